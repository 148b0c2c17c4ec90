"""A private Python registry. pip.conf is written beside this program."""

from pathlib import Path

import pulumi
import pulumi_python_registry as python_registry

registry = python_registry.Registry(
    "registry",
    project=pulumi.Config("gcp").require("project"),
    location="europe-west1",
    repository="python",
    readers=["group:developers@example.com"],
    service_accounts={"python-publisher": {"access": python_registry.Role.WRITER}},
)

if not pulumi.runtime.is_dry_run():
    registry.pip_conf.apply(lambda text: Path("pip.conf").write_text(text, encoding="utf-8"))

pulumi.export("pipConf", registry.pip_conf)
pulumi.export("pypirc", registry.pypirc)
pulumi.export("access", registry.access)
