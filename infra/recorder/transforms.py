"""Resource transforms: the program's own functions, called back over the wire before a resource is registered.

As the engine: first the resource's own transforms, then its parents', from the nearest up, then the stack's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from infra.recorder import sdk

COPIED = (  # option in the callback -> field of the request, where both are lists of the same kind
    ("ignore_changes", "ignoreChanges"),
    ("replace_on_changes", "replaceOnChanges"),
    ("additional_secret_outputs", "additionalSecretOutputs"),
    ("aliases", "aliases"),
    ("depends_on", "dependencies"),
)


class Transforms:
    """Calls transforms over channels that it keeps open until `close`."""

    def __init__(self) -> None:
        """No channel is open yet."""
        self._channels: dict[str, sdk.grpc.Channel] = {}

    def close(self) -> None:
        """End all connections to the program."""
        for channel in self._channels.values():
            channel.close()

    def applied(
        self, request: sdk.resource_pb2.RegisterResourceRequest, callbacks: Iterable[sdk.callback_pb2.Callback]
    ) -> sdk.resource_pb2.RegisterResourceRequest:
        """*request* after each of *callbacks* had its turn."""
        for callback in callbacks:
            request = self._applied_one(request, callback)
        return request

    def _applied_one(
        self, request: sdk.resource_pb2.RegisterResourceRequest, callback: sdk.callback_pb2.Callback
    ) -> sdk.resource_pb2.RegisterResourceRequest:
        channel = self._channels.get(callback.target)
        if channel is None:
            channel = sdk.grpc.insecure_channel(callback.target, options=sdk.CHANNEL_OPTIONS)
            self._channels[callback.target] = channel
        question = sdk.resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=request.object,
            options=_options(request),
        )
        reply = sdk.callback_pb2_grpc.CallbacksStub(channel).Invoke(
            sdk.callback_pb2.CallbackInvokeRequest(token=callback.token, request=question.SerializeToString())
        )
        answer = sdk.resource_pb2.TransformResponse.FromString(reply.response)
        return _with_answer(request, answer)


def _options(request: sdk.resource_pb2.RegisterResourceRequest) -> sdk.resource_pb2.TransformResourceOptions:
    options = sdk.resource_pb2.TransformResourceOptions(
        version=request.version,
        provider=request.provider,
        plugin_download_url=request.pluginDownloadURL,
        deleted_with=request.deletedWith,
        providers=dict(request.providers),
    )
    setattr(options, "import", request.importId)
    for option, field in COPIED:
        getattr(options, option).extend(getattr(request, field))
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    return options


def _with_answer(
    request: sdk.resource_pb2.RegisterResourceRequest, answer: sdk.resource_pb2.TransformResponse
) -> sdk.resource_pb2.RegisterResourceRequest:
    changed = sdk.resource_pb2.RegisterResourceRequest()
    changed.CopyFrom(request)
    changed.object.CopyFrom(answer.properties)
    if not answer.HasField("options"):
        return changed
    options = answer.options
    changed.version = options.version
    changed.provider = options.provider
    changed.pluginDownloadURL = options.plugin_download_url
    changed.deletedWith = options.deleted_with
    changed.importId = getattr(options, "import")
    for option, field in COPIED:
        _replace(getattr(changed, field), getattr(options, option))
    changed.providers.clear()
    changed.providers.update(options.providers)
    changed.ClearField("protect")
    if options.HasField("protect"):
        changed.protect = options.protect
    changed.ClearField("retainOnDelete")
    if options.HasField("retain_on_delete"):
        changed.retainOnDelete = options.retain_on_delete
    changed.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    changed.deleteBeforeReplace = options.delete_before_replace
    return changed


def _replace(field: list[object], values: Sequence[object]) -> None:
    del field[:]
    field.extend(values)
