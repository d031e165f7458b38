"""The Lambda functions, one folder each. ``infra/routes.py`` says which route reaches which."""
