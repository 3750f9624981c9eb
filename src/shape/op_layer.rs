//! Op layers: operations on tensors that Keras records as layers (`TFOpLambda` in Keras 2, the classes of `keras.ops` in 3).
//!
//! Both are brought to one form: the operation, its arguments by name, and the tensors and constants that it is called on.

mod names;
mod products;

use serde_json::Value;

use self::names::Operation;
use super::axis::{Axes, Axis, laid_out};
use super::rules::CallSite;
use super::settings::{dims, integers, place, size, sizes};
use super::slice::sliced;
use super::tensor_op::{
    broadcast, concatenated, expanded, padded, reduced, regrouped, reshaped, split, split_at, squeezed, stacked,
    transposed,
};

/// An operation as one Keras writes it.
struct Written<'a> {
    operation: Operation,
    /// The arguments that are no tensors, by name.
    arguments: Option<&'a Value>,
    /// Constants among the operands.
    constants: Vec<Axes>,
    /// What no argument names: where a slice is, or which places are taken.
    second: Option<&'a Value>,
}

impl<'a> Written<'a> {
    fn get(&self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.arguments?.get(key)).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.get(&[key]).map_or(Some(false), Value::as_bool)
    }

    fn axis(&self, default: i64) -> Option<i64> {
        self.get(&["axis"]).map_or(Some(default), Value::as_i64)
    }

    fn is_channels_first(&self) -> Option<bool> {
        match self.get(&["data_format"]).map(|format| format.as_str()) {
            None => Some(false),
            Some(Some("channels_last" | "NHWC" | "NWC" | "NDHWC")) => Some(false),
            Some(Some("channels_first" | "NCHW" | "NCW" | "NCDHW")) => Some(true),
            Some(_) => None,
        }
    }
}

pub(super) fn outputs(call: &CallSite, inputs: &[Axes]) -> Option<Vec<Axes>> {
    let written = match call.class {
        "TFOpLambda" | "SlicingOpLambda" => keras2(call)?,
        _ => keras3(call)?,
    };
    let first = inputs.first()?;
    match written.operation {
        Operation::Split => {
            let parts = written.get(&["num_or_size_splits", "indices_or_sections"])?;
            let axis = written.axis(0)?;
            match (size(parts), call.class) {
                (Some(count), _) => split(first, axis, count),
                (None, "TFOpLambda") => split_at(first, axis, &sizes_to_ends(&list(parts)?)?, false),
                (None, _) => split_at(first, axis, &list(parts)?, true),
            }
        }
        Operation::Unstack => {
            let axis = written.axis(0)?;
            let count = first[place(axis, first.len())?].size?;
            let parts = split(first, axis, count)?;
            parts.iter().map(|part| squeezed(part, &[axis])).collect()
        }
        Operation::TopK => {
            let (last, before) = first.split_last()?;
            let found = [before, &[last.resized(Some(size(written.get(&["k"])?)?))]].concat();
            Some(vec![found.clone(), found])
        }
        _ => output(&written, inputs).map(|axes| vec![axes]),
    }
}

/// A list of sizes.
fn list(value: &Value) -> Option<Vec<usize>> {
    value.as_array()?.iter().map(size).collect()
}

/// Where parts of these sizes end.
fn sizes_to_ends(sizes: &[usize]) -> Option<Vec<usize>> {
    let mut end = 0usize;
    sizes
        .iter()
        .map(|size| {
            end = end.checked_add(*size)?;
            Some(end)
        })
        .collect()
}

fn output(written: &Written, inputs: &[Axes]) -> Option<Axes> {
    let (first, others) = inputs.split_first()?;
    match written.operation {
        // Further tensors are weights, or values to fill in.
        Operation::Same => Some(first.clone()),
        // A condition alone gives the places where it holds, as many as these are.
        Operation::Where if inputs.len() + written.constants.len() < 3 => None,
        Operation::Broadcast | Operation::Where => {
            others.iter().chain(&written.constants).try_fold(first.clone(), |merged, other| broadcast(&merged, other))
        }
        Operation::Concatenate => concatenated(inputs, written.axis(-1)?),
        Operation::Stack => stacked(inputs, written.axis(0)?),
        Operation::Reshape => {
            let target = written.get(&["shape", "newshape"]).filter(|target| !is_reference(target))?.as_array()?;
            reshaped(first, &target.iter().map(Value::as_i64).collect::<Vec<_>>())
        }
        Operation::Slice => sliced(first, written.second?),
        Operation::Einsum => products::einsum(written.get(&["subscripts"])?.as_str()?, inputs),
        Operation::Matmul => {
            let [a, b] = inputs else { return None };
            let flags = ["transpose_a", "transpose_b", "adjoint_a", "adjoint_b"].map(|key| written.flag(key));
            let [turned_a, turned_b, adjoint_a, adjoint_b] = flags;
            products::matmul(a, b, turned_a? || adjoint_a?, turned_b? || adjoint_b?)
        }
        Operation::Attention => Some(first.clone()),
        Operation::Take => taken(written, inputs),
        // Further tensors would be sizes and axes, which are known at run time only.
        _ if !others.is_empty() => None,
        _ => alone(written, first),
    }
}

/// What an operation makes of one tensor.
fn alone(written: &Written, first: &Axes) -> Option<Axes> {
    let turned = |axes: Vec<usize>| transposed(first, &axes);
    match written.operation {
        Operation::Shape => Some(vec![Axis::new(Some(first.len()))]),
        Operation::Reduce => {
            let axes = written.get(&["axis", "dimension"]).map(integers);
            let keeps = written.flag("keepdims")?;
            match axes {
                Some(axes) => reduced(first, Some(&axes?), keeps),
                None => reduced(first, None, keeps),
            }
        }
        Operation::ArgReduce => {
            let axis = written.get(&["axis", "dimension"]).map(Value::as_i64);
            match (axis, written.flag("keepdims")?) {
                (Some(axis), keeps) => reduced(first, Some(&[axis?]), keeps),
                // TensorFlow takes the first axis where NumPy takes all.
                (None, _) => None,
            }
        }
        Operation::Transpose => match written.get(&["perm", "axes"]) {
            Some(axes) => turned(sizes(axes, first.len())?),
            None => Some(first.iter().rev().copied().collect()),
        },
        Operation::Swap => {
            let axis = |key| place(written.get(&[key])?.as_i64()?, first.len());
            let mut order: Vec<usize> = (0..first.len()).collect();
            order.swap(axis("axis1")?, axis("axis2")?);
            turned(order)
        }
        Operation::Move => {
            let ends = |key| -> Option<Vec<usize>> {
                integers(written.get(&[key])?)?.into_iter().map(|axis| place(axis, first.len())).collect()
            };
            let (from, to) = (ends("source")?, ends("destination")?);
            let mut order: Vec<usize> = (0..first.len()).filter(|axis| !from.contains(axis)).collect();
            let mut moves: Vec<(usize, usize)> = to.into_iter().zip(from.iter().copied()).collect();
            moves.sort_unstable();
            for (to, from) in moves {
                (to <= order.len()).then(|| order.insert(to, from))?;
            }
            turned(order)
        }
        Operation::ExpandDims => expanded(first, written.axis(0).filter(|_| written.get(&["axis"]).is_some())?),
        Operation::Squeeze => squeezed(first, &integers(written.get(&["axis", "squeeze_dims"])?)?),
        Operation::Ravel => {
            let total = super::settings::product(first);
            Some(regrouped(first, &[total]))
        }
        Operation::Pad => {
            let ends = written.get(&["paddings", "pad_width"])?.as_array()?;
            padded(first, &ends.iter().map(|ends| sizes(ends, 2)).collect::<Option<Vec<_>>>()?)
        }
        Operation::Tile => {
            let times = list(written.get(&["multiples", "repeats"])?)?;
            let longer = |(axis, &times): (&Axis, &usize)| multiplied(*axis, times);
            (times.len() == first.len()).then(|| first.iter().zip(&times).map(longer).collect())?
        }
        Operation::Repeat => {
            let axis = place(written.axis(0).filter(|_| written.get(&["axis"]).is_some())?, first.len())?;
            let mut output = first.clone();
            output[axis] = multiplied(output[axis], size(written.get(&["repeats", "rep"])?)?)?;
            Some(output)
        }
        Operation::OneHot => {
            let classes = Axis::channels(Some(size(written.get(&["depth", "num_classes"])?)?));
            let axis = place(written.axis(-1)?, first.len() + 1)?;
            let mut output = first.clone();
            output.insert(axis, classes);
            Some(output)
        }
        Operation::Resize => {
            let [height, width] = dims(written.get(&["size"])?)?.try_into().ok()?;
            if written.flag("preserve_aspect_ratio")? {
                return None;
            }
            let rows = if written.is_channels_first()? { 2 } else { 1 };
            let mut output = laid_out(first.clone(), rows == 2);
            (first.len() == 4).then(|| {
                output[rows].size = height;
                output[rows + 1].size = width;
                output
            })
        }
        Operation::DepthToSpace | Operation::SpaceToDepth => {
            let block = size(written.get(&["block_size"])?)?;
            let channels_first = written.is_channels_first()?;
            let (rows, channels) = if channels_first { (2, 1) } else { (1, 3) };
            let more = |axis: Axis, times: usize| multiplied(axis, times);
            let fewer = |axis: Axis, times: usize| match axis.size {
                Some(size) => (size.checked_rem(times)? == 0).then(|| axis.resized(Some(size / times))),
                None => Some(axis),
            };
            if first.len() != 4 {
                return None;
            }
            let mut output = laid_out(first.clone(), channels_first);
            let blocks = block.checked_mul(block)?;
            let grows = matches!(written.operation, Operation::DepthToSpace);
            for (axis, times) in [(rows, block), (rows + 1, block), (channels, blocks)] {
                let is_more = grows == (axis != channels);
                output[axis] = if is_more { more(output[axis], times)? } else { fewer(output[axis], times)? };
            }
            Some(output)
        }
        _ => None,
    }
}

fn multiplied(axis: Axis, times: usize) -> Option<Axis> {
    Some(axis.resized(axis.size.map_or(Some(None), |size| size.checked_mul(times).map(Some))?))
}

/// Places taken out of an axis, as many as the places that are named have.
fn taken(written: &Written, inputs: &[Axes]) -> Option<Axes> {
    if written.get(&["batch_dims"]).is_some_and(|dims| dims.as_u64() != Some(0)) {
        return None;
    }
    let (first, others) = inputs.split_first()?;
    let places: Axes = match (others, written.second.or_else(|| written.get(&["indices"]))) {
        ([places], _) => places.iter().map(|axis| Axis::new(axis.size)).collect(),
        ([], Some(constant)) => shape_of(constant),
        _ => return None,
    };
    let axis = place(written.axis(0).filter(|_| written.get(&["axis"]).is_some())?, first.len())?;
    // One list of places leaves the axis what it is.
    let places = match places.as_slice() {
        [one] => vec![first[axis].resized(one.size)],
        _ => places,
    };
    Some([&first[..axis], &places, &first[axis + 1..]].concat())
}

/// `[tensor, call, output, arguments]`, a list of these, or a constant in the place of the first tensor.
fn keras2<'a>(call: &CallSite<'a>) -> Option<Written<'a>> {
    let node = call.node?;
    let first = if node.get(0)?.is_array() { node.get(0)? } else { node };
    let arguments = first.get(3);
    let operation = names::keras2(call.settings.config.get("function")?.as_str()?)?;
    let mut constants: Vec<Axes> = Vec::new();
    if first.get(0)? == "_CONSTANT_VALUE" {
        constants.push(shape_of(first.get(2)?));
    }
    let operands = ["x", "y"].into_iter().filter_map(|key| arguments?.get(key));
    constants.extend(operands.filter(|value| !is_reference(value)).map(shape_of));
    Some(Written {
        operation,
        arguments,
        constants,
        second: arguments.and_then(|arguments| arguments.get("slice_spec")),
    })
}

/// `{"args": [...], "kwargs": {...}}`; of what is no tensor, only operands, slices and places stand here, the rest in the config.
fn keras3<'a>(call: &CallSite<'a>) -> Option<Written<'a>> {
    let arguments = call.node?.get("args")?.as_array()?;
    let operation = names::keras3(call.class)?;
    let mut constants = Vec::new();
    for argument in arguments {
        match argument.get("class_name").and_then(Value::as_str) {
            Some("__numpy__") => constants.push(shape_of(argument.get("config")?.get("value")?)),
            None if argument.is_number() => constants.push(Axes::new()),
            _ => {}
        }
    }
    Some(Written { operation, arguments: Some(call.settings.config), constants, second: arguments.get(1) })
}

fn is_reference(value: &Value) -> bool {
    value.get(0).is_some_and(Value::is_string)
}

/// The shape of a constant: a number, or lists of numbers.
fn shape_of(value: &Value) -> Axes {
    let mut axes = Axes::new();
    let mut value = Some(value);
    while let Some(list) = value.and_then(Value::as_array) {
        axes.push(Axis::new(Some(list.len())));
        value = list.first();
    }
    axes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::dims;
    use crate::{config, shape};

    /// The output of one operation on `x`, of shape (batch, 8, 6, 4).
    fn output(mut operation: Value, node: Value) -> Option<Vec<Option<usize>>> {
        operation["name"] = json!("op");
        operation["inbound_nodes"] = json!([node]);
        let input = json!({"class_name": "InputLayer", "name": "x", "inbound_nodes": [],
            "config": {"batch_input_shape": [null, 8, 6, 4]}});
        let document = json!({"class_name": "Functional", "config": {
            "layers": [input, operation], "input_layers": [["x", 0, 0]], "output_layers": [["op", 0, 0]],
        }});
        let graph = config::read(&document).expect("a model");
        shape::infer(&graph).of(&graph.find("op").expect("a layer"), 0, 0).map(<[_]>::to_vec)
    }

    fn keras2(function: &str, node: Value) -> Option<Vec<Option<usize>>> {
        output(json!({"class_name": "TFOpLambda", "config": {"function": function}}), node)
    }

    fn keras3(class: &str, config: Value, more: &[Value]) -> Option<Vec<Option<usize>>> {
        let x = json!({"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}});
        let arguments = [&[x], more].concat();
        let operation = json!({"class_name": class, "module": "keras.src.ops.numpy", "config": config});
        output(operation, json!({"args": arguments, "kwargs": {}}))
    }

    #[test]
    fn operations_of_keras_2_have_their_arguments_in_the_node() {
        for (function, node, expected) in [
            ("math.add", json!(["x", 0, 0, {"y": ["x", 0, 0]}]), &[-1, 8, 6, 4][..]),
            ("math.multiply", json!(["_CONSTANT_VALUE", -1, 2.0, {"y": ["x", 0, 0]}]), &[-1, 8, 6, 4]),
            ("__operators__.add", json!(["x", 0, 0, {"y": [[[[[1.0]]]], [[[[1.0]]]]]}]), &[2, -1, 8, 6, 4]),
            ("concat", json!([["x", 0, 0, {"axis": -1}], ["x", 0, 0, {"axis": -1}]]), &[-1, 8, 6, 8]),
            ("math.reduce_mean", json!(["x", 0, 0, {"axis": [1, 2]}]), &[-1, 4]),
            ("reshape", json!(["x", 0, 0, {"shape": [-1, 48, 4]}]), &[-1, 48, 4]),
            ("compat.v1.transpose", json!(["x", 0, 0, {"perm": [0, 3, 1, 2]}]), &[-1, 4, 8, 6]),
            ("image.resize", json!(["x", 0, 0, {"size": [16, 12]}]), &[-1, 16, 12, 4]),
            ("nn.depth_to_space", json!(["x", 0, 0, {"block_size": 2}]), &[-1, 16, 12, 1]),
        ] {
            assert_eq!(keras2(function, node), Some(dims(expected)), "{function}");
        }
        assert_eq!(keras2("strange.operation", json!(["x", 0, 0, {}])), None);
        assert_eq!(keras2("reshape", json!(["x", 0, 0, {"shape": ["x", 0, 0]}])), None);
    }

    #[test]
    fn operations_of_keras_3_have_their_arguments_in_the_config() {
        let bare = json!({});
        let constant = json!({"class_name": "__numpy__", "config": {"value": [[1.0, 1.0, 1.0, 1.0]]}});
        let slice = json!([{"class_name": "__slice__", "config": {"start": null, "stop": 1, "step": null}}, 0]);
        for (class, config, more, expected) in [
            ("Subtract", bare.clone(), vec![constant], &[-1, 8, 6, 4][..]),
            ("Divide", bare.clone(), vec![json!(2.0)], &[-1, 8, 6, 4]),
            ("Mean", json!({"axis": [1, 2], "keepdims": true}), vec![], &[-1, 1, 1, 4]),
            ("Reshape", json!({"newshape": [-1, 48, 4]}), vec![], &[-1, 48, 4]),
            ("Pad", json!({"pad_width": [[0, 0], [1, 1], [2, 0], [0, 0]]}), vec![], &[-1, 10, 8, 4]),
            ("GetItem", bare, vec![slice], &[-1, 6, 4]),
        ] {
            assert_eq!(keras3(class, config, &more), Some(dims(expected)), "{class}");
        }
    }
}
