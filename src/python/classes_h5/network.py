"""A model's graph in regions, cut at every simulator: each is compiled once, and serves the faults of all simulators before it."""

import inspect
from collections import Counter, namedtuple

from classes_h5.cut import calls, key
from classes_h5.keras_internals import graph_of, is_symbolic, mask_of, set_mask, taken_by
from classes_h5.tensors import tensors_of

# run: a function of a list of tensors that gives one. inputs, outputs: the keys of what it takes and makes. gate: the simulator
# whose call it is, if it is one. batched: whether what it makes has a row for each input.
Step = namedtuple("Step", "run inputs outputs gate batched")


def steps_of(model, gates, training=None):
    """All calls of a graph as steps, in an order in which they can be computed. A nested model that holds a gate is opened."""
    for call in calls(model):
        if call.layer in gates or type(call.layer).__name__ == "ErrorSimulator":
            yield step(list, call.inputs[:1], call.outputs, call.layer if call.layer in gates else None)
        elif holds(call.layer, gates):
            inner, keywords = graph_of(call.layer), dict(call.arguments[1])
            yield step(taking(call, taken_by(inner)), call.inputs, inner.inputs)
            yield from steps_of(call.layer, gates, keywords.get("training", training))
            yield step(list, inner.outputs, call.outputs)
        else:
            yield step(calling(call, training), call.inputs, call.outputs)


def step(run, inputs, outputs, gate=None):
    """Of symbolic tensors."""
    batched = all(len(tensor.shape) and tensor.shape[0] is None for tensor in outputs)
    return Step(run, unique(inputs), [key(tensor) for tensor in outputs], gate, batched)


def unique(tensors):
    return list(dict.fromkeys(map(key, tensors)))


def holds(layer, gates):
    """Whether a gate is in this nested model."""
    return hasattr(layer, "layers") and any(inner in gates or holds(inner, gates) for inner in layer.layers)


def filled(call, tensors):
    """The arguments of a call with tensors in place of the symbolic ones."""
    values = dict(zip(unique(call.inputs), tensors))
    replaced = tensors_of(call.layer).map_structure
    return replaced(lambda leaf: values[key(leaf)] if is_symbolic(leaf) else leaf, call.arguments)


def calling(call, training):
    takes_training = training is not None and "training" in inspect.signature(call.layer.call).parameters

    def run(tensors):
        arguments, keywords = filled(call, tensors)
        if takes_training:
            keywords = {"training": training, **keywords}
        return tensors_of(call.layer).flatten(call.layer(*arguments, **keywords))

    return run


def taking(call, taken):
    """What a nested model's graph is computed with, of what the model is called with."""

    def run(tensors):
        arguments, keywords = filled(call, tensors)
        return taken(*arguments[:1] or [keywords["inputs"]])

    return run


class Region:
    """Steps that depend on the same gates, as a function of values: each a tensor and its mask, None where it has none."""

    def __init__(self, depends, gate):
        self.depends, self.gate = depends, gate
        self.steps, self.inputs, self.outputs = [], [], []
        self._compiled = None

    def close(self, wanted):
        """Settles what goes in and out. wanted: the keys that are needed outside."""
        made = {name for step in self.steps for name in step.outputs}
        self.inputs = [name for name in dict.fromkeys(name for step in self.steps for name in step.inputs) if name not in made]
        self.outputs = [name for name in made if name in wanted]

    def __call__(self, known, tensors, compiled=True, rows=None):
        """{key: value} of what it makes, of what is known. rows: how many the graph is of, None for any number."""
        values = [known[name] for name in self.inputs]
        if self.gate is not None:
            return dict(zip(self.outputs, values))
        if not compiled:
            return dict(zip(self.outputs, self._run(values)))
        if self._compiled is None:
            self._compiled = tensors.compiled(self._run, values, rows)
        return dict(zip(self.outputs, self._compiled(values)))

    def _run(self, values):
        known = {}
        for name, (tensor, mask) in zip(self.inputs, values):
            if mask is not None:
                set_mask(tensor, mask)
            known[name] = tensor
        for step in self.steps:
            known.update(zip(step.outputs, step.run([known[name] for name in step.inputs])))
        return [(known[name], mask_of(known[name])) for name in self.outputs]


CHUNK = 24  # regions, gates counted, that are compiled as one as well: fewer calls, and TensorFlow reuses memory within each


class Network:
    """The regions of a model, cut at some simulators, which are gates: what goes in comes out of them, or what they make of it.

    gates: layers that one pass calls once, in an order in which they can be computed afterwards.
    """

    def __init__(self, model, gates, compiled=True):
        self.tensors = tensors_of(model)
        self.compiled, self.rows = compiled and self.tensors.compiles, model.inputs[0].shape[0]
        found = list(steps_of(model, set(gates)))
        if self.rows:  # every tensor tells a size
            found = [step._replace(batched=True) for step in found]
        self.gates = [step.gate for step in found if step.gate is not None]
        self.inputs, self.outputs = ([key(tensor) for tensor in tensors] for tensors in (model.inputs, model.outputs))
        self._ends = {step.gate: (step.inputs[0], step.outputs[0]) for step in found if step.gate is not None}
        self.regions = self._regions(found)
        self._maker = {name: region for region in self.regions for name in region.outputs}
        chunks = [self.regions[start : start + CHUNK] for start in range(0, len(self.regions), CHUNK)]
        self._chunks = [(chunk, self._joined(chunk)) for chunk in chunks]

    def _regions(self, steps):
        depends: dict = {}
        maker: dict = {}
        regions: dict = {}
        for step in steps:
            on = frozenset().union(*(depends[name] for name in step.inputs if name in depends))
            on |= {step.gate} - {None}
            depends.update(dict.fromkeys(step.outputs, on))
            maker.update(dict.fromkeys(step.outputs, step))
            if step.batched:
                region = regions.setdefault((on, step.gate), Region(on, step.gate))
                # What has no row for each input, a size say, is computed again where it is needed.
                for name in step.inputs:
                    self._add_unbatched(region, name, maker)
                region.steps.append(step)
        found = sorted(regions.values(), key=lambda region: (len(region.depends), region.gate is None))
        for region in found:
            self._close(region, found)
        return found

    def _close(self, region, regions):
        """Settles what goes in and out, where these regions are all."""
        inside = {id(step) for step in region.steps}
        taken = {name for other in regions for step in other.steps if id(step) not in inside for name in step.inputs}
        region.close(taken | set(self.outputs))

    def _joined(self, regions):
        """Regions that follow each other as one."""
        joined = Region(regions[0].depends, None)
        joined.steps = list({id(step): step for region in regions for step in region.steps}.values())
        self._close(joined, self.regions)
        return joined

    def _add_unbatched(self, region, name, maker):
        step = maker.get(name)
        if step is not None and not step.batched and step not in region.steps:
            for before in step.inputs:
                self._add_unbatched(region, before, maker)
            region.steps.append(step)

    def behind(self, gate):
        """The regions that what comes out of a gate goes through."""
        return [region for region in self.regions if gate in region.depends and region.gate is not gate]

    def _fast_behind(self, gate):
        """The same in as few parts as there are."""
        behind = set(self.behind(gate))
        for chunk, joined in self._chunks:
            if behind.issuperset(chunk):
                yield joined
            else:
                yield from (region for region in chunk if region in behind)

    def entry(self, gate):
        """The keys of what has to be known of an input to compute all that is behind a gate, beside what comes out of it."""
        made = {name for region in self.behind(gate) for name in region.outputs} | {self._ends[gate][1]}
        taken = [name for region in self.behind(gate) for name in region.inputs]
        return [name for name in dict.fromkeys([self._ends[gate][0], *taken, *self.outputs]) if name not in made]

    def way(self, wanted, known):
        """(the regions that make what is wanted of what is known, in order; the keys of what they and the wish take of that)."""
        needed, pending, taken = set(), list(wanted), set()
        while pending:
            name = pending.pop()
            region = self._maker.get(name)
            if name in known or region is None:  # known, or the model's own input
                taken.add(name)
            elif region not in needed:
                needed.add(region)
                pending += region.inputs
        return [region for region in self.regions if region in needed], taken

    def compute(self, regions, known, wanted):
        """{key: value} of what is wanted, through regions in order. What nothing needs any more is let go."""
        uses = Counter([*wanted, *(name for region in regions for name in region.inputs)])
        known = {name: value for name, value in known.items() if uses[name]}
        with self.tensors.inference():
            for region in regions:
                known.update(region(known, self.tensors, self.compiled, self.rows))
                uses.subtract(region.inputs)
                known = {name: value for name, value in known.items() if uses[name]}
        return {name: known[name] for name in wanted}

    def rest(self, gate, known, inject=None):
        """The model's outputs, of what is known at a gate. inject: a function of the tensor that comes in there."""
        before, after = self._ends[gate]
        tensor, mask = known[before]
        known = {**known, after: (inject(tensor) if inject else tensor, mask)}
        outputs = self.compute(list(self._fast_behind(gate)), known, self.outputs)
        return [outputs[name][0] for name in self.outputs]
