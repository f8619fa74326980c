"""What runs code without machines of its own: Lambda, ECS, and where the code is built and kept."""

import io
import zipfile

from collector.demo.place import Place, lower_pairs, pairs


async def seed_functions(here: Place, *, count: int) -> None:
    """Functions whose environments hold secrets."""
    role_arn = await _role(here)
    for number in range(count):
        name = f"invoice-{number}"
        tags = here.tags(name)
        answer = await here.call(
            "lambda",
            "create_function",
            FunctionName=name,
            Runtime=here.pick(f"runtime of {name}", ("python3.12", "nodejs20.x", "python3.8")),
            Role=role_arn,
            Handler="main.handle",
            Code={"ZipFile": _package()},
            Environment={"Variables": {"DB_PASSWORD": here.secret(f"lambda-env-{number}"), "LOG_LEVEL": "info"}},
            Tags=tags,
        )
        here.seeded("AWS::Lambda::Function", answer["FunctionArn"], tags)


async def _role(here: Place) -> str:
    """The functions' role; Lambda refuses one that does not exist, and IAM has one for all regions."""
    answer = await here.call("iam", "get_role", RoleName="invoice-function")
    arn: str = answer["Role"]["Arn"]
    return arn


def _package() -> bytes:
    """The same bytes on every run: a zip holds the time, so the time is fixed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr(zipfile.ZipInfo("main.py", (2024, 1, 1, 0, 0, 0)), "def handle(event, context):\n    return {}\n")
    return packed.getvalue()


async def seed_containers(here: Place) -> None:
    """An image repository, and a service whose task definition has secrets in its environment and command."""
    tags = here.tags("orders")
    repository = await here.call("ecr", "create_repository", repositoryName="orders", tags=pairs(tags))
    here.seeded("AWS::ECR::Repository", repository["repository"]["repositoryArn"], tags)

    cluster = await here.call("ecs", "create_cluster", clusterName="main", tags=lower_pairs(tags))
    here.seeded("AWS::ECS::Cluster", cluster["cluster"]["clusterArn"], tags)
    definition = await here.call(
        "ecs",
        "register_task_definition",
        family="orders",
        networkMode="awsvpc",
        containerDefinitions=[
            {
                "name": "orders",
                "image": "orders:1",
                "memory": 256,
                "environment": [{"name": "API_TOKEN", "value": here.secret("task-env")}],
                "command": ["serve", "--token", here.secret("task-command")],
            }
        ],
        tags=lower_pairs(tags),
    )
    definition_arn = definition["taskDefinition"]["taskDefinitionArn"]
    here.seeded("AWS::ECS::TaskDefinition", definition_arn, tags)
    service = await here.call(
        "ecs",
        "create_service",
        cluster="main",
        serviceName="orders",
        taskDefinition=definition_arn,
        desiredCount=2,
        tags=lower_pairs(tags),
    )
    here.seeded("AWS::ECS::Service", service["service"]["serviceArn"], tags)


async def seed_build(here: Place) -> None:
    """A build project with a secret in its environment and one in its build script."""
    tags = here.tags("build-orders")
    script = f"phases: {{build: {{commands: ['deploy --token {here.secret('buildspec')}']}}}}"
    answer = await here.call(
        "codebuild",
        "create_project",
        name="build-orders",
        source={"type": "S3", "location": "artifacts/source.zip", "buildspec": script},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "REGISTRY_PASSWORD", "value": here.secret("codebuild-env"), "type": "PLAINTEXT"}],
        },
        serviceRole=f"arn:aws:iam::{here.account.id}:role/build",
        tags=lower_pairs(tags),
    )
    here.seeded("AWS::CodeBuild::Project", answer["project"]["arn"], tags)
