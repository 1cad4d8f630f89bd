"""Options of `edgekit bench farm`: the service, and its phones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.errors import NoDevice, UnknownName

if TYPE_CHECKING:
    from edgekit.benchmark.farm import Farm

AWS, FIREBASE = "aws", "firebase"
# The options of each service, all of which it needs.
OPTIONS = {AWS: ("pool",), FIREBASE: ("project", "bucket", "device")}


def _service(text: str) -> str:
    if text not in OPTIONS:
        raise typer.BadParameter(str(UnknownName("farm", text[:40], OPTIONS)))
    return text


def _pool(text: str) -> str:
    from edgekit.benchmark.aws_farm import pool_arn_of

    try:
        return pool_arn_of(text)
    except NoDevice as error:
        raise typer.BadParameter(str(error)) from error


@dataclass(frozen=True)
class FarmOptions:
    """A service, and which of its phones."""

    farm: Annotated[
        str,
        typer.Option(
            parser=_service, metavar="NAME", help="aws is AWS Device Farm, firebase is Firebase Test Lab."
        ),
    ] = AWS
    pool: Annotated[
        str | None,
        typer.Option(
            parser=_pool, metavar="ARN", help="aws: the device pool (aws devicefarm list-device-pools)."
        ),
    ] = None
    project: Annotated[str | None, typer.Option(help="firebase: the Google Cloud project.")] = None
    bucket: Annotated[
        str | None,
        typer.Option(
            help="firebase: the Cloud Storage bucket for what is uploaded and what the phones leave."
        ),
    ] = None
    device: Annotated[
        list[str] | None,
        typer.Option(
            metavar="model=M,version=V",
            help="firebase: a phone, as gcloud firebase test android models list shows them; locale=en and "
            "orientation=portrait may be changed in the same way. Repeatable.",
        ),
    ] = None

    def __post_init__(self) -> None:
        for service, names in OPTIONS.items():
            for name in names:
                if bool(getattr(self, name)) != (service == self.farm):
                    reason = (
                        f"--farm {self.farm} needs it."
                        if service == self.farm
                        else f"it does not apply to --farm {self.farm}; leave it out."
                    )
                    raise typer.BadParameter(reason, param_hint=f"--{name}")

    def opened(self) -> Farm:
        """The service, with its client."""
        if self.pool is not None:
            from edgekit.benchmark.aws_farm import AwsFarm, aws_client

            return AwsFarm(self.pool, aws_client(self.pool))
        from edgekit.benchmark.firebase_farm import FirebaseFarm, google_services, phone_of

        phones = tuple(map(phone_of, self.device or ()))
        bucket = (self.bucket or "").removeprefix("gs://").rstrip("/")
        return FirebaseFarm(self.project or "", bucket, phones, *google_services())
