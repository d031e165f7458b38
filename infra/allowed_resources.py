"""The only resource types that the template may hold, each with what it costs while nobody talks.

Nothing in here is billed by the hour. A test compares the list with the template in both directions, and
``docs/deploy.md`` shows it to whoever pays.
"""

from __future__ import annotations

ALLOWED_RESOURCES: dict[str, str] = {
    "AWS::ApiGatewayV2::Api": "nothing; paid by request, frame and minute of connection",
    "AWS::ApiGatewayV2::Authorizer": "nothing",
    "AWS::ApiGatewayV2::Integration": "nothing",
    "AWS::ApiGatewayV2::Route": "nothing",
    "AWS::ApiGatewayV2::RouteResponse": "nothing",
    "AWS::ApiGatewayV2::Stage": "nothing",
    "AWS::Cassandra::Keyspace": "nothing",
    "AWS::Cassandra::Table": "the stored gigabytes, and their backups; paid by request otherwise",
    "AWS::CloudWatch::Alarm": "$0.10 a month each, the first 10 of an account free",
    "AWS::CloudWatch::Dashboard": "$3 a month, the first 3 of an account free; only where the stage wants it",
    "AWS::IAM::Role": "nothing",
    "AWS::Lambda::Function": "nothing; paid by invocation",
    "AWS::Lambda::LayerVersion": "nothing",
    "AWS::Lambda::Permission": "nothing",
    "AWS::Logs::LogGroup": "the stored gigabytes until their retention ends",
}
