"""The CloudFormation template, written with the CDK. Start reading at ``infra/routes.py``.

Nothing in here imports the code that runs in Lambda: functions are named, and tests prove the names.
"""
