"""Names that tell a secret, and names that only look like one."""

import pytest

from collector.spec.secret_names import secret_by_name


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("MasterUserPassword", "Cluster"),
        ("ClientSecretKey", "App"),
        ("UserData", "LaunchConfiguration"),
        ("buildspec", "source"),
        ("commands", "rules"),
        ("ContainerArguments", "ContainerConfig"),
        ("command", "healthCheck"),
        ("*", "Variables"),
        ("*", "EnvironmentVariables"),
        ("value", "environment"),
        ("Value", "env"),
        ("*", "Arguments"),
        ("*", "logConfigurationOptions"),
        ("*", "AdditionalInfo"),
    ],
)
def test_a_secret_is_told_by_its_name(name: str, holder: str) -> None:
    assert secret_by_name(name, holder) is not None


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("PasswordLastUsed", "User"),
        ("SecretArn", "Connection"),
        ("CommandId", "Invocation"),
        ("EnvironmentId", "Environment"),
        ("Value", "Tags"),
        ("*", "Tags"),
        ("value", "settings"),
        ("NextToken", "Answer"),
    ],
)
def test_what_only_speaks_of_a_secret_is_shown(name: str, holder: str) -> None:
    assert secret_by_name(name, holder) is None
