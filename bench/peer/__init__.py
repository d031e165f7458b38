"""The peer: a chat with the operations of AWS's public sample, to be measured beside ours.

``aws-samples/simple-websockets-chat-app`` keeps the ids of live connections in one DynamoDB table, scans it
for every message, and posts to everybody. These few lines of our own do the same operations in Python, with
one kindness: clients of AWS are made once an environment and not once an invocation. It stores no message,
knows no users, and whoever is away hears nothing.
"""
