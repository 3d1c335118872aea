"""Transforms: the program's own functions, called back over the wire before a resource is registered or looked up.

As the engine: first the resource's own transforms, then its parents', from the nearest up, then the stack's. Rules:
RegisterResource, Invoke and upgradeOutputValues in pkg/resource/deploy/source_eval.go of pulumi/pulumi (v3.259).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from infra.recorder import sdk
from infra.recorder.errors import ProgramError
from infra.recorder.wire import with_dependencies

LISTS = (  # option in the callback -> field of the request
    ("depends_on", "dependencies"),
    ("ignore_changes", "ignoreChanges"),
    ("replace_on_changes", "replaceOnChanges"),
    ("hide_diff", "hideDiffs"),
    ("replace_with", "replace_with"),
    ("additional_secret_outputs", "additionalSecretOutputs"),
    ("aliases", "aliases"),
)
TEXTS = (
    ("version", "version"),
    ("provider", "provider"),
    ("plugin_download_url", "pluginDownloadURL"),
    ("deleted_with", "deletedWith"),
    ("import", "importId"),
)
MAPS = (("providers", "providers"), ("plugin_checksums", "pluginChecksums"))
STATED = (("protect", "protect"), ("retain_on_delete", "retainOnDelete"))  # true, false, or not said
MESSAGES = (("custom_timeouts", "customTimeouts"), ("hooks", "hooks"), ("replacement_trigger", "replacement_trigger"))

_PLACE = re.compile(r'File "(.+?)", line (\d+)')


class Transforms:
    """Calls transforms over channels that it keeps open until `close`."""

    def __init__(self) -> None:
        """No channel is open yet."""
        self._channels: dict[str, sdk.grpc.Channel] = {}

    def close(self) -> None:
        """End all connections to the program."""
        for channel in self._channels.values():
            channel.close()

    def applied(self, request: Any, callbacks: Sequence[sdk.callback_pb2.Callback]) -> Any:
        """The registration *request* after each of *callbacks* had its turn."""
        if not callbacks:
            return request
        changed = sdk.resource_pb2.RegisterResourceRequest()
        changed.CopyFrom(request)
        del changed.aliasURNs[:]
        for urn in request.aliasURNs:  # transforms see one list of aliases
            changed.aliases.add(urn=urn)
        if request.transforms:  # then what each input depends on travels with it, and only so
            changed.object.CopyFrom(with_dependencies(request.object, request.propertyDependencies))
            changed.propertyDependencies.clear()
        for callback in callbacks:
            self._apply(changed, callback)
        return changed

    def invoked(self, request: Any, callbacks: Iterable[sdk.callback_pb2.Callback]) -> Any:
        """The call *request* to a provider's function after each of *callbacks* had its turn."""
        changed = sdk.resource_pb2.ResourceInvokeRequest()
        changed.CopyFrom(request)
        for callback in callbacks:
            question = sdk.resource_pb2.TransformInvokeRequest(
                token=changed.tok,
                args=changed.args,
                options=sdk.resource_pb2.TransformInvokeOptions(
                    provider=changed.provider,
                    version=changed.version,
                    plugin_download_url=changed.pluginDownloadURL,
                    plugin_checksums=dict(changed.pluginChecksums),
                ),
            )
            answer = sdk.resource_pb2.TransformInvokeResponse.FromString(self._answer(callback, question))
            if answer.HasField("args"):
                changed.args.CopyFrom(answer.args)
            if answer.HasField("options"):
                changed.provider, changed.version = answer.options.provider, answer.options.version
                changed.pluginDownloadURL = answer.options.plugin_download_url
        return changed

    def _apply(self, request: Any, callback: sdk.callback_pb2.Callback) -> None:
        question = sdk.resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=request.object,
            options=_options(request),
        )
        answer = sdk.resource_pb2.TransformResponse.FromString(self._answer(callback, question))
        if answer.HasField("properties"):
            request.object.CopyFrom(answer.properties)
        if answer.HasField("options"):
            _take(answer.options, request)

    def _answer(self, callback: sdk.callback_pb2.Callback, question: Any) -> bytes:
        channel = self._channels.get(callback.target)
        if channel is None:
            channel = sdk.grpc.insecure_channel(callback.target, options=sdk.CHANNEL_OPTIONS)
            self._channels[callback.target] = channel
        asked = sdk.callback_pb2.CallbackInvokeRequest(token=callback.token, request=question.SerializeToString())
        try:
            return bytes(sdk.callback_pb2_grpc.CallbacksStub(channel).Invoke(asked).response)
        except sdk.grpc.RpcError as error:
            raise ProgramError(f"a transform of the program failed: {_in_short(str(error.details()))}") from None


def _in_short(details: str) -> str:
    """What a callback failed with, and where, of the message and trace that it answers with."""
    message = (details.partition(" error: ")[2] or details).strip().partition(":\n")[0]
    places = _PLACE.findall(details)
    return f"{message} ({places[-1][0]}:{places[-1][1]})" if places else message


def _options(request: Any) -> Any:
    """The options of *request*, as a transform gets them."""
    options = sdk.resource_pb2.TransformResourceOptions()
    for option, field in TEXTS:
        setattr(options, option, getattr(request, field))
    for option, field in LISTS:
        getattr(options, option).extend(getattr(request, field))
    for option, field in MAPS:
        getattr(options, option).update(getattr(request, field))
    for option, field in STATED:
        if request.HasField(field):
            setattr(options, option, getattr(request, field))
    for option, field in MESSAGES:
        if request.HasField(field):
            getattr(options, option).CopyFrom(getattr(request, field))
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    return options


def _take(options: Any, request: Any) -> None:
    """The options that a transform came back with become those of *request*."""
    for option, field in TEXTS:
        setattr(request, field, getattr(options, option))
    for option, field in LISTS:
        del getattr(request, field)[:]
        getattr(request, field).extend(getattr(options, option))
    for option, field in MAPS:
        getattr(request, field).clear()
        getattr(request, field).update(getattr(options, option))
    for option, field in STATED:
        request.ClearField(field)
        if options.HasField(option):
            setattr(request, field, getattr(options, option))
    for option, field in MESSAGES:
        request.ClearField(field)
        if options.HasField(option):
            getattr(request, field).CopyFrom(getattr(options, option))
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace
