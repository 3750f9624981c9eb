//! Op layers: operations on tensors that Keras records as layers (`TFOpLambda` in Keras 2, the classes of `keras.ops` in 3).
//!
//! Both are brought to one form: the operation under NumPy's name, and its arguments by name. Where the tensors stand
//! among the arguments does not matter: their shapes come in the order of the call.

use serde_json::Value;

use super::axis::{Axes, Axis};
use super::rules::CallSite;
use super::settings::{dims, integers, size, sizes};
use super::slice::sliced;
use super::tensor_op::{
    broadcast, concatenated, expanded, padded, reduced, reshaped, split, squeezed, stacked, transposed,
};

/// What an operation does to shapes.
enum Operation {
    Same,
    Broadcast,
    Reduce,
    Concatenate,
    Stack,
    Split,
    Reshape,
    Transpose,
    ExpandDims,
    Squeeze,
    Pad,
    Slice,
    Resize,
    DepthToSpace,
    Shape,
}

/// An operation as one Keras writes it.
struct Written<'a> {
    operation: Operation,
    /// The arguments that are no tensors, by name.
    arguments: Option<&'a Value>,
    /// Constants among the operands.
    constants: Vec<Axes>,
    /// Where a slice is.
    slice: Option<&'a Value>,
}

impl<'a> Written<'a> {
    fn get(&self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.arguments?.get(key)).filter(|value| !value.is_null())
    }
}

pub(super) fn outputs(call: &CallSite, inputs: &[Axes]) -> Option<Vec<Axes>> {
    let written = match call.class {
        "TFOpLambda" | "SlicingOpLambda" => keras2(call)?,
        _ => keras3(call)?,
    };
    if let Operation::Split = written.operation {
        let count = size(written.get(&["num_or_size_splits", "indices_or_sections"])?)?;
        return split(inputs.first()?, axis(&written, 0)?, count);
    }
    output(&written, inputs).map(|dims| vec![dims])
}

fn axis(written: &Written, default: i64) -> Option<i64> {
    written.get(&["axis"]).map_or(Some(default), Value::as_i64)
}

fn output(written: &Written, inputs: &[Axes]) -> Option<Axes> {
    let (first, others) = inputs.split_first()?;
    match written.operation {
        Operation::Same => Some(first.clone()),
        Operation::Broadcast => {
            others.iter().chain(&written.constants).try_fold(first.clone(), |merged, other| broadcast(&merged, other))
        }
        Operation::Concatenate => concatenated(inputs, axis(written, -1)?),
        Operation::Stack => stacked(inputs, axis(written, 0)?),
        Operation::Reshape => {
            let target = written.get(&["shape", "newshape"]).filter(|target| !is_reference(target))?.as_array()?;
            reshaped(first, &target.iter().map(Value::as_i64).collect::<Vec<_>>())
        }
        Operation::Slice => sliced(first, written.slice?),
        // Further tensors would be sizes and axes, which are known at run time only.
        _ if !others.is_empty() => None,
        Operation::Shape => Some(vec![Axis::new(Some(first.len()))]),
        Operation::Reduce => {
            let axes = written.get(&["axis"]).map(integers);
            let keeps = written.get(&["keepdims"]).and_then(Value::as_bool).unwrap_or(false);
            match axes {
                Some(axes) => reduced(first, Some(&axes?), keeps),
                None => reduced(first, None, keeps),
            }
        }
        Operation::Transpose => match written.get(&["perm", "axes"]) {
            Some(axes) => transposed(first, &sizes(axes, first.len())?),
            None => Some(first.iter().rev().copied().collect()),
        },
        Operation::ExpandDims => expanded(first, axis(written, 0).filter(|_| written.get(&["axis"]).is_some())?),
        Operation::Squeeze => squeezed(first, &integers(written.get(&["axis"])?)?),
        Operation::Pad => {
            let ends = written.get(&["paddings", "pad_width"])?.as_array()?;
            padded(first, &ends.iter().map(|ends| sizes(ends, 2)).collect::<Option<Vec<_>>>()?)
        }
        Operation::Resize => {
            let [height, width] = dims(written.get(&["size"])?)?.try_into().ok()?;
            let keeps_ratio = written.get(&["preserve_aspect_ratio"]).is_some_and(|keeps| keeps != &Value::Bool(false));
            match first.as_slice() {
                &[batch, rows, columns, channels] if !keeps_ratio => {
                    Some(vec![batch, rows.resized(height), columns.resized(width), channels])
                }
                _ => None,
            }
        }
        Operation::DepthToSpace => {
            let block = size(written.get(&["block_size"])?)?;
            let channels_last = written.get(&["data_format"]).is_none_or(|format| format == "NHWC");
            let grown = |axis: Axis| {
                Some(axis.resized(axis.size.map_or(Some(None), |size| size.checked_mul(block).map(Some))?))
            };
            let parted = |size: usize| size.checked_div(block)?.checked_div(block);
            match first.as_slice() {
                &[batch, height, width, channels] if channels_last => {
                    Some(vec![batch, grown(height)?, grown(width)?, channels.resized(channels.size.and_then(parted))])
                }
                _ => None,
            }
        }
        Operation::Split => None,
    }
}

/// `[tensor, call, output, arguments]`, a list of these, or a constant in the place of the first tensor.
fn keras2<'a>(call: &CallSite<'a>) -> Option<Written<'a>> {
    let node = call.node?;
    let first = if node.get(0)?.is_array() { node.get(0)? } else { node };
    let arguments = first.get(3);
    let function = call.settings.config.get("function")?.as_str()?;
    let operation = keras2_operation(function)?;
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
        slice: arguments.and_then(|arguments| arguments.get("slice_spec")),
    })
}

fn keras2_operation(function: &str) -> Option<Operation> {
    let name = function.strip_prefix("compat.v1.").unwrap_or(function);
    let name =
        ["math.", "nn.", "__operators__."].into_iter().find_map(|module| name.strip_prefix(module)).unwrap_or(name);
    Some(match name {
        "abs" | "bias_add" | "cast" | "clip_by_value" | "cos" | "elu" | "erf" | "exp" | "floor" | "gelu"
        | "identity" | "l2_normalize" | "leaky_relu" | "log" | "log_softmax" | "negative" | "neg" | "relu"
        | "relu6" | "round" | "rsqrt" | "selu" | "sigmoid" | "sign" | "silu" | "sin" | "softmax" | "softplus"
        | "softsign" | "sqrt" | "square" | "stop_gradient" | "swish" | "tanh" => Operation::Same,
        "add" | "add_n" | "divide" | "divide_no_nan" | "floordiv" | "maximum" | "minimum" | "mul" | "multiply"
        | "pow" | "radd" | "rmul" | "rsub" | "rtruediv" | "squared_difference" | "sub" | "subtract" | "truediv" => {
            Operation::Broadcast
        }
        "reduce_max" | "reduce_mean" | "reduce_min" | "reduce_prod" | "reduce_std" | "reduce_sum"
        | "reduce_variance" => Operation::Reduce,
        "concat" => Operation::Concatenate,
        "stack" => Operation::Stack,
        "split" => Operation::Split,
        "reshape" => Operation::Reshape,
        "transpose" => Operation::Transpose,
        "expand_dims" => Operation::ExpandDims,
        "squeeze" => Operation::Squeeze,
        "pad" => Operation::Pad,
        "getitem" => Operation::Slice,
        "shape" => Operation::Shape,
        "image.resize" => Operation::Resize,
        "depth_to_space" => Operation::DepthToSpace,
        _ => return None,
    })
}

/// `{"args": [...], "kwargs": {...}}`; of what is no tensor, only operands and slices stand here, the rest in the config.
fn keras3<'a>(call: &CallSite<'a>) -> Option<Written<'a>> {
    let arguments = call.node?.get("args")?.as_array()?;
    let operation = keras3_operation(call.class)?;
    let mut constants = Vec::new();
    for argument in arguments {
        match argument.get("class_name").and_then(Value::as_str) {
            Some("__numpy__") => constants.push(shape_of(argument.get("config")?.get("value")?)),
            None if argument.is_number() => constants.push(Axes::new()),
            _ => {}
        }
    }
    Some(Written { operation, arguments: Some(call.settings.config), constants, slice: arguments.get(1) })
}

fn keras3_operation(class: &str) -> Option<Operation> {
    Some(match class {
        "Abs" | "Absolute" | "Cast" | "Celu" | "Clip" | "Copy" | "Cos" | "Elu" | "Exp" | "Floor" | "Gelu"
        | "HardShrink" | "HardSigmoid" | "HardSilu" | "HardTanh" | "LeakyRelu" | "Log" | "LogSoftmax" | "Negative"
        | "Relu" | "Relu6" | "Round" | "Rsqrt" | "Selu" | "Sigmoid" | "Sign" | "Silu" | "Sin" | "Softmax"
        | "Softplus" | "Softsign" | "Sqrt" | "Square" | "StopGradient" | "Tanh" => Operation::Same,
        "Add" | "Divide" | "FloorDivide" | "Maximum" | "Minimum" | "Multiply" | "Power" | "Subtract" | "TrueDivide" => {
            Operation::Broadcast
        }
        "Max" | "Mean" | "Min" | "Prod" | "Std" | "Sum" | "Var" => Operation::Reduce,
        "Concatenate" => Operation::Concatenate,
        "Stack" => Operation::Stack,
        "Split" => Operation::Split,
        "Reshape" => Operation::Reshape,
        "Transpose" => Operation::Transpose,
        "ExpandDims" => Operation::ExpandDims,
        "Squeeze" => Operation::Squeeze,
        "Pad" => Operation::Pad,
        "GetItem" => Operation::Slice,
        _ => return None,
    })
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
