"""Networks and load balancers."""

from dataclasses import dataclass
from typing import Any

from collector.demo.place import Place, pairs


@dataclass(frozen=True, slots=True)
class Network:
    """What other things of the region are put into."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_id: str


def tagged(resource_type: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    """Tags as EC2 takes them while it creates something."""
    return [{"ResourceType": resource_type, "Tags": pairs(tags)}]


async def seed_network(here: Place) -> Network:
    """A VPC with two subnets, a way out and a security group."""
    tags = here.tags("main")
    vpc_id = (await here.call("ec2", "create_vpc", CidrBlock="10.20.0.0/16", TagSpecifications=tagged("vpc", tags)))["Vpc"]["VpcId"]
    here.seeded("AWS::EC2::VPC", here.arn("ec2", f"vpc/{vpc_id}"), tags)
    subnet_ids = []
    for index, zone in enumerate("ab"):
        tags = here.tags(f"main-{zone}")
        answer = await here.call(
            "ec2",
            "create_subnet",
            VpcId=vpc_id,
            CidrBlock=f"10.20.{index}.0/24",
            AvailabilityZone=f"{here.region}{zone}",
            TagSpecifications=tagged("subnet", tags),
        )
        subnet_ids.append(answer["Subnet"]["SubnetId"])
        here.seeded("AWS::EC2::Subnet", here.arn("ec2", f"subnet/{subnet_ids[-1]}"), tags)
    tags = here.tags("web")
    group = await here.call(
        "ec2",
        "create_security_group",
        GroupName="web",
        Description="HTTPS from everywhere",
        VpcId=vpc_id,
        TagSpecifications=tagged("security-group", tags),
    )
    await here.call(
        "ec2",
        "authorize_security_group_ingress",
        GroupId=group["GroupId"],
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    here.seeded("AWS::EC2::SecurityGroup", here.arn("ec2", f"security-group/{group['GroupId']}"), tags)
    await _seed_way_out(here, vpc_id, subnet_ids[0])
    return Network(vpc_id, tuple(subnet_ids), group["GroupId"])


async def _seed_way_out(here: Place, vpc_id: str, subnet_id: str) -> None:
    """An internet gateway, a NAT gateway with its address, and a route table."""
    tags = here.tags("way-out")
    gateway = await here.call("ec2", "create_internet_gateway", TagSpecifications=tagged("internet-gateway", tags))
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    await here.call("ec2", "attach_internet_gateway", InternetGatewayId=gateway_id, VpcId=vpc_id)
    here.seeded("AWS::EC2::InternetGateway", here.arn("ec2", f"internet-gateway/{gateway_id}"), tags)

    address = await here.call("ec2", "allocate_address", Domain="vpc", TagSpecifications=tagged("elastic-ip", tags))
    here.seeded("AWS::EC2::EIP", here.arn("ec2", f"elastic-ip/{address['AllocationId']}"), tags)
    nat = await here.call(
        "ec2",
        "create_nat_gateway",
        SubnetId=subnet_id,
        AllocationId=address["AllocationId"],
        TagSpecifications=tagged("natgateway", tags),
    )
    here.seeded("AWS::EC2::NatGateway", here.arn("ec2", f"natgateway/{nat['NatGateway']['NatGatewayId']}"), tags)

    table = await here.call("ec2", "create_route_table", VpcId=vpc_id, TagSpecifications=tagged("route-table", tags))
    table_id = table["RouteTable"]["RouteTableId"]
    await here.call("ec2", "create_route", RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    here.seeded("AWS::EC2::RouteTable", here.arn("ec2", f"route-table/{table_id}"), tags)

    unused = here.tags("forgotten")
    address = await here.call("ec2", "allocate_address", Domain="vpc", TagSpecifications=tagged("elastic-ip", unused))
    here.seeded("AWS::EC2::EIP", here.arn("ec2", f"elastic-ip/{address['AllocationId']}"), unused)


async def seed_load_balancer(here: Place, network: Network) -> None:
    """A load balancer with a target group and a listener."""
    tags = here.tags("shop")
    balancer = await here.call(
        "elbv2",
        "create_load_balancer",
        Name="shop",
        Subnets=list(network.subnet_ids),
        SecurityGroups=[network.security_group_id],
        Tags=pairs(tags),
    )
    balancer_arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    here.seeded("AWS::ElasticLoadBalancingV2::LoadBalancer", balancer_arn, tags)
    group = await here.call(
        "elbv2",
        "create_target_group",
        Name="shop-instances",
        Protocol="HTTP",
        Port=8080,
        VpcId=network.vpc_id,
        Tags=pairs(tags),
    )
    group_arn = group["TargetGroups"][0]["TargetGroupArn"]
    here.seeded("AWS::ElasticLoadBalancingV2::TargetGroup", group_arn, tags)
    listener = await here.call(
        "elbv2",
        "create_listener",
        LoadBalancerArn=balancer_arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
        Tags=pairs(tags),
    )
    here.seeded("AWS::ElasticLoadBalancingV2::Listener", listener["Listeners"][0]["ListenerArn"], tags)
