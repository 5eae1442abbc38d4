"""Running one prompt: its nodes in ComfyUI's order, and the messages that tell of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sandbox.comfyui import works
from sandbox.comfyui.catalogue import CLASSES
from sandbox.comfyui.failures import InterruptedPromptError, NodeError
from sandbox.comfyui.folders import Folders
from sandbox.comfyui.graphs import Graph, Node, needed
from sandbox.comfyui.items import Item, stamp
from sandbox.comfyui.ordering import Signatures, following, to_run
from sandbox.comfyui.progress import Progress
from sandbox.comfyui.sockets import Sockets
from sandbox.comfyui.tasks import Made, Task
from sandbox.comfyui.values import Blocked, Json, an_object
from sandbox.controls import ComfyUIControls

_SAMPLER: Final = "KSampler"


@dataclass(frozen=True)
class Place:
    """What of a server a run needs.

    Attributes:
        cache: What nodes have made, by their class and all that their inputs come from.
        seconds: How long the samplers of a prompt take together, unless the controls say.
        executing: Notes the node that runs, for those who connect late.
    """

    controls: ComfyUIControls
    sockets: Sockets
    folders: Folders
    cache: dict[str, Made]
    seconds: float
    executing: Callable[[str | None], None]


@dataclass
class Run:
    """One run of one prompt."""

    place: Place
    item: Item
    graph: Graph
    progress: Progress
    done: dict[str, Made] = field(default_factory=dict[str, Made])
    executed: list[str] = field(default_factory=list[str])
    _made: dict[str, Made] = field(default_factory=dict[str, Made])

    async def run(self) -> None:
        """Run it to its end, whichever that is."""
        item, cache = self.item, self.place.cache
        item.status, item.started_at = "running", stamp()
        self._note("execution_start", {})
        signing = Signatures(self.graph, self.place.folders)
        signatures = {each: signing.of(each) for each in needed(self.graph, item.outputs)}
        cached = {each for each, signature in signatures.items() if signature in cache}
        self._note("execution_cached", {"nodes": [each for each in self.graph if each in cached]})
        self.done |= {each: cache[signatures[each]] for each in cached}
        try:
            await self._execute(cached)
        except* InterruptedPromptError:
            item.status = "interrupted"
        except* NodeError:
            item.status = "error"
        else:
            item.status = "success"
            self._note("execution_success", {})
        finally:
            self.place.executing(None)
            kept = {
                signature: self.done[each]
                for each, signature in signatures.items()
                if each in self.done
            }
            # What this prompt has not used is forgotten, as by ComfyUI's default cache.
            cache.clear()
            cache.update(kept)

    async def _execute(self, cached: set[str]) -> None:
        waiting = to_run(self.graph, self.item.outputs, cached)
        going: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while waiting:
                busy = {each for each, task in going.items() if not task.done()}
                node = following(waiting, self.done, busy)
                if node is None:
                    running = [going[each] for each in busy]
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                elif node.id in cached:
                    self._repeat(waiting.pop(node.id))
                elif node.id in going:
                    self._finish(waiting.pop(node.id))
                elif node.kind.is_async:
                    await self._begin(node)
                    going[node.id] = group.create_task(self._work(node))
                else:
                    await self._one(waiting.pop(node.id))

    async def _one(self, node: Node) -> None:
        await self._begin(node)
        await self._work(node)
        self._finish(node)

    async def _begin(self, node: Node) -> None:
        item = self.item
        self.progress.begin(node)
        self.place.executing(node.id)
        item.ran.append(node.id)
        self._tell("executing", {"node": node.id, "display_node": node.display})
        if self.place.controls.dead_worker:
            # A dead thread says nothing, and nobody looks after it: only a restart goes on.
            await asyncio.Event().wait()

    async def _work(self, node: Node) -> None:
        """Have a node do its work; what it made is kept for `_finish`."""
        inputs: Json = {name: _default(spec) for name, spec in node.kind.required.items()}
        inputs |= {name: value for name, value in node.inputs.items() if name in node.kind.inputs}
        for name, link in node.links.items():
            inputs[name] = self.done[link.node].values[link.slot]
        blocked = next((one for one in inputs.values() if isinstance(one, Blocked)), None)
        if blocked is not None:
            self._block(node, blocked)
            return
        try:
            made = await self._do(node, inputs)
        except InterruptedPromptError:
            told: Json = {"executed": self.executed.copy()}
            self.item.interrupted_at = stamp()
            self._note("execution_interrupted", self._about(node) | told, to_all=True)
            raise
        except NodeError as error:
            self._note("execution_error", self._failure(node, inputs, error))
            raise
        for number, (kind, given) in enumerate(made.nodes, 1):
            name = f"{node.id}.0.0.{number}"
            await self._one(Node(name, CLASSES[kind], given, node.id, node.display))
            made = Made(self.done[name].values)
        self._made[node.id] = made

    async def _do(self, node: Node, inputs: Json) -> Made:
        controls, item = self.place.controls, self.item
        seconds = controls.node_seconds.get(node.kind.name)
        await self._pause(0.0 if seconds is None or node.kind.name == _SAMPLER else seconds)
        task = Task(
            node=node,
            inputs=inputs,
            about={"prompt": item.prompt, **_information(item)},
            folders=self.place.folders,
            progress=self.progress,
            seconds=self._share() if seconds is None else seconds,
            pause=self._pause,
            memory=not controls.out_of_memory,
        )
        made = await works.do(task)
        while controls.hold in {"*", node.kind.name} and not item.interrupted:
            item.woken.clear()
            await item.woken.wait()
        await self._pause(0.0)
        return made

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)
        if self.item.interrupted:
            raise InterruptedPromptError

    def _share(self) -> float:
        """Return how long each sampler takes of the time that all of them take."""
        whole = self.place.controls.seconds
        samplers = sum(node.kind.name == _SAMPLER for node in self.graph.values())
        return (self.place.seconds if whole is None else whole) / max(samplers, 1)

    def _finish(self, node: Node) -> None:
        made = self.done[node.id] = self._made[node.id]
        if made.ui is not None:
            self._show(node, made.ui)
        self.executed.append(node.id)
        self.progress.finish(node)

    def _repeat(self, node: Node) -> None:
        """Tell again what a cached output node has shown."""
        self._show(node, self.done[node.id].ui)
        self.progress.finish(node, cached=True)

    def _show(self, node: Node, ui: Json | None) -> None:
        told: Json = {"node": node.id, "display_node": node.display, "output": ui}
        if self.place.controls.padding:
            told["padding"] = "x" * self.place.controls.padding
        self._tell("executed", told)
        if ui is not None:
            self.item.made[node.id] = ui
            self.item.meta[node.id] = {
                "node_id": node.id,
                "display_node": node.display,
                "parent_node": node.parent,
                "real_node_id": node.display,
            }

    def _block(self, node: Node, blocked: Blocked) -> None:
        self._made[node.id] = Made((Blocked(None),) * len(node.kind.outputs))
        if blocked.message is not None:
            told: Json = {
                "executed": self.executed.copy(),
                "exception_message": f"Execution Blocked: {blocked.message}",
                "exception_type": "ExecutionBlocked",
                "traceback": [],
                "current_inputs": [],
                "current_outputs": [],
            }
            self._tell("execution_error", self._about(node) | told)

    def _about(self, node: Node) -> Json:
        """Name a node, or the one of the prompt that it belongs to."""
        return {"node_id": node.display, "node_type": self.graph[node.display].kind.name}

    def _failure(self, node: Node, inputs: Json, error: NodeError) -> Json:
        return self._about(node) | {
            "executed": self.executed.copy(),
            "exception_message": f"{error.message}\n",
            "exception_type": error.kind,
            "traceback": [f'  File "/srv/comfyui/nodes.py", line 1, in {node.kind.name}\n'],
            "current_inputs": {name: [str(value)] for name, value in inputs.items()},
            "current_outputs": list(self.done),
        }

    def _note(self, kind: str, data: Json, *, to_all: bool = False) -> None:
        """Tell of the prompt's course, and keep that for its history."""
        told: Json = {"prompt_id": self.item.prompt_id, **data, "timestamp": stamp()}
        self.item.messages.append((kind, told))
        if to_all or self.item.client_id is not None:
            self.place.sockets.tell(kind, told, self.item.client_id)

    def _tell(self, kind: str, data: Json) -> None:
        """Tell the prompt's client, if it has one."""
        if self.item.client_id is not None:
            told = data | {"prompt_id": self.item.prompt_id}
            self.place.sockets.tell(kind, told, self.item.client_id)


def _default(spec: tuple[object, Json]) -> object:
    return spec[1].get("default")


def _information(item: Item) -> Json:
    return an_object(item.extra_data.get("extra_pnginfo")) or {}
