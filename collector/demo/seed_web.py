"""What faces the internet: API Gateway, certificates, CloudFront, Route 53."""

from collector.demo.place import Place, pairs


async def seed_apis(here: Place) -> None:
    """A REST API and an HTTP API, each with a stage whose variables hold a secret."""
    tags = here.tags("orders-api")
    api = await here.call("apigateway", "create_rest_api", name="orders", tags=tags)
    here.seeded("AWS::ApiGateway::RestApi", f"arn:aws:apigateway:{here.region}::/restapis/{api['id']}", tags)
    root = (await here.call("apigateway", "get_resources", restApiId=api["id"]))["items"][0]["id"]
    which = {"restApiId": api["id"], "resourceId": root, "httpMethod": "GET"}
    await here.call("apigateway", "put_method", **which, authorizationType="NONE")
    await here.call("apigateway", "put_integration", **which, type="MOCK")
    deployment = await here.call("apigateway", "create_deployment", restApiId=api["id"])
    await here.call(
        "apigateway",
        "create_stage",
        restApiId=api["id"],
        stageName="live",
        deploymentId=deployment["id"],
        variables={"token": here.secret("rest-stage")},
        tags=tags,
    )
    stage_arn = f"arn:aws:apigateway:{here.region}::/restapis/{api['id']}/stages/live"
    here.seeded("AWS::ApiGateway::Stage", stage_arn, tags)

    api = await here.call("apigatewayv2", "create_api", Name="orders", ProtocolType="HTTP", Tags=tags)
    here.seeded("AWS::ApiGatewayV2::Api", f"arn:aws:apigateway:{here.region}::/apis/{api['ApiId']}", tags)
    await here.call(
        "apigatewayv2",
        "create_stage",
        ApiId=api["ApiId"],
        StageName="live",
        StageVariables={"token": here.secret("http-stage")},
        Tags=tags,
    )
    stage_arn = f"arn:aws:apigateway:{here.region}::/apis/{api['ApiId']}/stages/live"
    here.seeded("AWS::ApiGatewayV2::Stage", stage_arn, tags)


async def seed_certificate(here: Place) -> None:
    tags = here.tags("shop.example.com")
    answer = await here.call("acm", "request_certificate", DomainName="shop.example.com", ValidationMethod="DNS", Tags=pairs(tags))
    here.seeded("AWS::CertificateManager::Certificate", answer["CertificateArn"], tags)


async def seed_zone(here: Place) -> None:
    """A hosted zone with two records of its own."""
    tags = here.tags("example.com")
    answer = await here.call("route53", "create_hosted_zone", Name="example.com", CallerReference="example.com")
    zone_id = answer["HostedZone"]["Id"].rpartition("/")[2]
    await here.call("route53", "change_tags_for_resource", ResourceType="hostedzone", ResourceId=zone_id, AddTags=pairs(tags))
    records = [
        {"Name": f"{name}.example.com", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "192.0.2.1"}]} for name in ("shop", "api")
    ]
    await here.call(
        "route53",
        "change_resource_record_sets",
        HostedZoneId=zone_id,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]},
    )
    here.seeded("AWS::Route53::HostedZone", f"arn:aws:route53:::hostedzone/{zone_id}", tags, region="global")


async def seed_distribution(here: Place) -> None:
    """A distribution that shows its origin a secret header."""
    tags = here.tags("shop")
    header = {"HeaderName": "x-origin-secret", "HeaderValue": here.secret("origin-header")}
    answer = await here.call(
        "cloudfront",
        "create_distribution_with_tags",
        DistributionConfigWithTags={
            "DistributionConfig": {
                "CallerReference": "shop",
                "Comment": "shop",
                "Enabled": True,
                "Origins": {
                    "Quantity": 1,
                    "Items": [
                        {
                            "Id": "shop",
                            "DomainName": "shop.example.com",
                            "CustomHeaders": {"Quantity": 1, "Items": [header]},
                            "CustomOriginConfig": {
                                "HTTPPort": 80,
                                "HTTPSPort": 443,
                                "OriginProtocolPolicy": "https-only",
                            },
                        }
                    ],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": "shop",
                    "ViewerProtocolPolicy": "redirect-to-https",
                    "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                    "MinTTL": 0,
                },
            },
            "Tags": {"Items": pairs(tags)},
        },
    )
    here.seeded("AWS::CloudFront::Distribution", answer["Distribution"]["ARN"], tags, region="global")
