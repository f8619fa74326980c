"""Machines: instances with their volumes and templates, Auto Scaling, and EKS."""

from collector.demo.place import Place, pairs
from collector.demo.seed_network import Network, tagged


async def seed_image(here: Place) -> str:
    """An image of the account's own, to start instances from; returns its id."""
    tags = here.tags("base")
    answer = await here.call("ec2", "register_image", Name="base", Architecture="x86_64")
    image_id: str = answer["ImageId"]
    # moto ignores tags on registration.
    await here.call("ec2", "create_tags", Resources=[image_id], Tags=pairs(tags))
    here.seeded("AWS::EC2::Image", f"arn:aws:ec2:{here.region}::image/{image_id}", tags)
    return image_id


async def seed_instances(here: Place, network: Network, image_id: str, *, count: int) -> None:
    """Instances with a secret in their user data, a volume nobody attached, and its snapshot."""
    for number in range(count):
        tags = here.tags(f"web-{number}")
        answer = await here.call(
            "ec2",
            "run_instances",
            ImageId=image_id,
            InstanceType=here.pick(f"size of web-{number}", ("t3.micro", "t3.small", "m6g.large")),
            MinCount=1,
            MaxCount=1,
            SubnetId=network.subnet_ids[number % len(network.subnet_ids)],
            SecurityGroupIds=[network.security_group_id],
            UserData=here.user_data(f"user-data-{number}"),
            TagSpecifications=tagged("instance", tags),
        )
        instance_id = answer["Instances"][0]["InstanceId"]
        here.seeded("AWS::EC2::Instance", here.arn("ec2", f"instance/{instance_id}"), tags)

    tags = here.tags("old-data")
    volume = await here.call(
        "ec2",
        "create_volume",
        AvailabilityZone=f"{here.region}a",
        Size=100,
        VolumeType="gp2",
        TagSpecifications=tagged("volume", tags),
    )
    here.seeded("AWS::EC2::Volume", here.arn("ec2", f"volume/{volume['VolumeId']}"), tags)
    snapshot = await here.call("ec2", "create_snapshot", VolumeId=volume["VolumeId"], TagSpecifications=tagged("snapshot", tags))
    # A snapshot's ARN has no account: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    here.seeded("AWS::EC2::Snapshot", f"arn:aws:ec2:{here.region}::snapshot/{snapshot['SnapshotId']}", tags)


async def seed_auto_scaling(here: Place, network: Network, image_id: str) -> None:
    """A launch template and a launch configuration, each with secret user data, and a group on the template."""
    tags = here.tags("workers")
    template = await here.call(
        "ec2",
        "create_launch_template",
        LaunchTemplateName="workers",
        LaunchTemplateData={
            "ImageId": image_id,
            "InstanceType": "t3.micro",
            "UserData": here.user_data("template"),
        },
        TagSpecifications=tagged("launch-template", tags),
    )
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    here.seeded("AWS::EC2::LaunchTemplate", here.arn("ec2", f"launch-template/{template_id}"), tags)

    await here.call(
        "autoscaling",
        "create_launch_configuration",
        LaunchConfigurationName="old-workers",
        ImageId=image_id,
        InstanceType="t2.micro",
        UserData=here.user_data("launch-config"),
    )
    answer = await here.call("autoscaling", "describe_launch_configurations")
    here.seeded("AWS::AutoScaling::LaunchConfiguration", answer["LaunchConfigurations"][0]["LaunchConfigurationARN"])
    await here.call(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName="workers",
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "$Latest"},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=1,
        VPCZoneIdentifier=",".join(network.subnet_ids),
        Tags=[tag | {"PropagateAtLaunch": False} for tag in pairs(tags)],
    )
    answer = await here.call("autoscaling", "describe_auto_scaling_groups")
    here.seeded("AWS::AutoScaling::AutoScalingGroup", answer["AutoScalingGroups"][0]["AutoScalingGroupARN"], tags)


async def seed_eks(here: Place, network: Network) -> None:
    """A cluster with a node group."""
    tags = here.tags("cluster")
    role_arn = f"arn:aws:iam::{here.account.id}:role/eks"
    cluster = await here.call(
        "eks",
        "create_cluster",
        name="apps",
        roleArn=role_arn,
        resourcesVpcConfig={"subnetIds": list(network.subnet_ids)},
        tags=tags,
    )
    here.seeded("AWS::EKS::Cluster", cluster["cluster"]["arn"], tags)
    group = await here.call(
        "eks",
        "create_nodegroup",
        clusterName="apps",
        nodegroupName="general",
        nodeRole=role_arn,
        subnets=list(network.subnet_ids),
        tags=tags,
    )
    here.seeded("AWS::EKS::Nodegroup", group["nodegroup"]["nodegroupArn"], tags)
