import pytest

from adapterctl.rules.lifecycle.regions import may_overlap


@pytest.mark.parametrize(
    ("provider", "stated", "served", "hit"),
    [
        ("bedrock", "us", "us-east-1", True),
        ("bedrock", "us", "us-west-2", True),
        ("bedrock", "us", "us-gov-west-1", False),
        ("bedrock", "us-gov", "us-gov-west-1", True),
        ("bedrock", "us", "eu-west-1", False),
        ("bedrock", "eu", "eu-central-1", True),
        ("bedrock", "apac", "ap-south-1", True),
        ("bedrock", "apac", "jp", True),
        ("bedrock", "jp", "ap-northeast-1", True),
        ("bedrock", "jp", "ap-south-1", False),
        ("bedrock", "us-east-1", "us", True),
        ("bedrock", "us-east-1", "us-east-2", False),
        ("bedrock", "us-east-1", "US-East-1", True),
        ("bedrock", "us", "global", True),
        ("amazon bedrock", "eu", "eu-west-3", True),
        ("azure", "eu", "swedencentral", True),
        ("azure", "eu", "Sweden Central", True),
        ("azure", "us", "westus3", True),
        ("azure", "us", "swedencentral", False),
        ("azure", "eu", "uksouth", False),
        ("vertex", "us", "us-central1", True),
        ("vertex", "eu", "europe-west4", True),
        ("openai", "us", "us-east-1", False),
        (None, "eu", "eu-west-1", False),
        (None, "eu", "EU", True),
    ],
)
def test_a_zone_holds_the_regions_that_its_provider_draws_it_around(provider, stated, served, hit):
    assert may_overlap(provider, stated, served) is hit
