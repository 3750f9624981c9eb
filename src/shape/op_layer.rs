//! Op layers: operations on tensors that Keras records as layers (`TFOpLambda` in Keras 2, the classes of `keras.ops` in 3).
//!
//! Both are brought to one form: the operation under NumPy's name, and its arguments by name. Where the tensors stand
//! among the arguments does not matter: their shapes come in the order of the call.

use serde_json::Value;

use super::Dims;
use super::rules::CallSite;
use super::settings::{dims, integers, size, sizes};
use super::tensor_op::{
    broadcast, concatenated, expanded, padded, reduced, reshaped, slice_length, split, squeezed, transposed,
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
    constants: Vec<Dims>,
    /// Where a slice is.
    slice: Option<&'a Value>,
}

impl<'a> Written<'a> {
    fn get(&self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.arguments?.get(key)).filter(|value| !value.is_null())
    }
}

pub(super) fn outputs(call: &CallSite, inputs: &[Dims]) -> Option<Vec<Dims>> {
    let written = match call.settings.class {
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

fn output(written: &Written, inputs: &[Dims]) -> Option<Dims> {
    let (first, others) = inputs.split_first()?;
    match written.operation {
        Operation::Same => Some(first.clone()),
        Operation::Broadcast => {
            others.iter().chain(&written.constants).try_fold(first.clone(), |merged, other| broadcast(&merged, other))
        }
        Operation::Concatenate => concatenated(inputs, axis(written, -1)?),
        Operation::Stack => {
            let expanded: Option<Vec<Dims>> = inputs.iter().map(|dims| expanded(dims, axis(written, 0)?)).collect();
            concatenated(&expanded?, axis(written, 0)?)
        }
        Operation::Reshape => {
            let target = written.get(&["shape", "newshape"]).filter(|target| !is_reference(target))?.as_array()?;
            reshaped(first, &target.iter().map(Value::as_i64).collect::<Vec<_>>())
        }
        Operation::Slice => sliced(first, written.slice?),
        // Further tensors would be sizes and axes, which are known at run time only.
        _ if !others.is_empty() => None,
        Operation::Shape => Some(vec![Some(first.len())]),
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
                &[batch, _, _, channels] if !keeps_ratio => Some(vec![batch, height, width, channels]),
                _ => None,
            }
        }
        Operation::DepthToSpace => {
            let block = size(written.get(&["block_size"])?)?;
            let channels_last = written.get(&["data_format"]).is_none_or(|format| format == "NHWC");
            let grown = |dim: Option<usize>| dim.map_or(Some(None), |dim| dim.checked_mul(block).map(Some));
            let parted = |dim: usize| dim.checked_div(block)?.checked_div(block);
            match first.as_slice() {
                &[batch, height, width, channels] if channels_last => {
                    Some(vec![batch, grown(height)?, grown(width)?, channels.and_then(parted)])
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
    let mut constants = Vec::new();
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
    let operation = keras3_operation(call.settings.class)?;
    let mut constants = Vec::new();
    for argument in arguments {
        match argument.get("class_name").and_then(Value::as_str) {
            Some("__numpy__") => constants.push(shape_of(argument.get("config")?.get("value")?)),
            None if argument.is_number() => constants.push(Dims::new()),
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
fn shape_of(value: &Value) -> Dims {
    let mut dims = Dims::new();
    let mut value = Some(value);
    while let Some(list) = value.and_then(Value::as_array) {
        dims.push(Some(list.len()));
        value = list.first();
    }
    dims
}

/// What `tensor[spec]` has left; `spec` is one item or a list of them.
fn sliced(input: &Dims, spec: &Value) -> Option<Dims> {
    let items = spec.as_array().map_or(std::slice::from_ref(spec), Vec::as_slice);
    let is_ellipsis = |item: &Value| item.get("class_name").is_some_and(|class| class == "__ellipsis__");
    let named = items.iter().filter(|item| !item.is_null() && !is_ellipsis(item)).count();
    let mut free = input.len().checked_sub(named)?;
    let mut axes = input.iter().copied();
    let mut output = Dims::new();
    for item in items {
        if item.is_null() {
            output.push(Some(1));
        } else if is_ellipsis(item) {
            output.extend(axes.by_ref().take(std::mem::take(&mut free)));
        } else if item.is_i64() || item.is_u64() {
            axes.next()?;
        } else {
            // Keras 3 wraps the three ends of a slice once more.
            let ends = item.get("config").unwrap_or(item).as_object()?;
            output
                .push(slice(axes.next()?, ["start", "stop", "step"].map(|key| ends.get(key).unwrap_or(&Value::Null))));
        }
    }
    output.extend(axes);
    Some(output)
}

/// The size of an axis that is sliced; `None` where an end or the axis is known at run time only.
fn slice(dim: Option<usize>, ends: [&Value; 3]) -> Option<usize> {
    let [start, stop, step] = ends.map(|end| if end.is_null() { Some(None) } else { end.as_i64().map(Some) });
    slice_length(dim?, start?, stop?, step?.unwrap_or(1))
}
