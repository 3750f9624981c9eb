//! The names that the two Kerases have for operations.

/// What an operation does to shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Each value by itself, or along an axis that stays.
    Same,
    Broadcast,
    Where,
    Reduce,
    /// The place of one value of each axis.
    ArgReduce,
    Concatenate,
    Stack,
    Unstack,
    Split,
    Reshape,
    Ravel,
    Transpose,
    Swap,
    Move,
    ExpandDims,
    Squeeze,
    Pad,
    Tile,
    Repeat,
    Slice,
    Take,
    OneHot,
    TopK,
    Matmul,
    Einsum,
    /// A query's shape, whatever it is compared with.
    Attention,
    Resize,
    DepthToSpace,
    SpaceToDepth,
    Shape,
}

/// By the name of the function of TensorFlow, with its module.
pub(super) fn keras2(function: &str) -> Option<Operation> {
    let name = function.strip_prefix("compat.v1.").unwrap_or(function);
    let modules = ["math.", "nn.", "linalg.", "__operators__."];
    let name = modules.into_iter().find_map(|module| name.strip_prefix(module)).unwrap_or(name);
    Some(match name {
        "abs" | "acos" | "acosh" | "asin" | "asinh" | "atan" | "atanh" | "band_part" | "bias_add" | "cast" | "ceil"
        | "clip_by_norm" | "clip_by_value" | "cos" | "cosh" | "cumprod" | "cumsum" | "digamma" | "elu" | "erf"
        | "erfc" | "exp" | "expm1" | "floor" | "gelu" | "identity" | "imag" | "invert" | "is_finite" | "is_inf"
        | "is_nan" | "l2_normalize" | "leaky_relu" | "lgamma" | "log" | "log1p" | "log_sigmoid" | "log_softmax"
        | "logical_not" | "neg" | "negative" | "ones_like" | "real" | "reciprocal" | "relu" | "relu6" | "reverse"
        | "rint" | "roll" | "round" | "rsqrt" | "selu" | "sigmoid" | "sign" | "silu" | "sin" | "sinh" | "softmax"
        | "softplus" | "softsign" | "sort" | "argsort" | "sqrt" | "square" | "stop_gradient" | "swish" | "tan"
        | "tanh" | "zeros_like" => Operation::Same,
        "add" | "add_n" | "atan2" | "divide" | "divide_no_nan" | "eq" | "equal" | "floor_div" | "floordiv"
        | "floormod" | "ge" | "greater" | "greater_equal" | "gt" | "le" | "less" | "less_equal" | "logical_and"
        | "logical_or" | "logical_xor" | "lt" | "maximum" | "minimum" | "mod" | "mul" | "multiply"
        | "multiply_no_nan" | "ne" | "not_equal" | "pow" | "radd" | "rmul" | "rsub" | "rtruediv"
        | "squared_difference" | "sub" | "subtract" | "truediv" | "xdivy" | "xlogy" => Operation::Broadcast,
        "norm"
        | "reduce_all"
        | "reduce_any"
        | "reduce_euclidean_norm"
        | "reduce_logsumexp"
        | "reduce_max"
        | "reduce_mean"
        | "reduce_min"
        | "reduce_prod"
        | "reduce_std"
        | "reduce_sum"
        | "reduce_variance" => Operation::Reduce,
        "where" => Operation::Where,
        "argmax" | "argmin" => Operation::ArgReduce,
        "concat" => Operation::Concatenate,
        "stack" => Operation::Stack,
        "unstack" => Operation::Unstack,
        "split" => Operation::Split,
        "reshape" => Operation::Reshape,
        "transpose" => Operation::Transpose,
        "expand_dims" => Operation::ExpandDims,
        "squeeze" => Operation::Squeeze,
        "pad" => Operation::Pad,
        "tile" => Operation::Tile,
        "repeat" => Operation::Repeat,
        "getitem" => Operation::Slice,
        "gather" => Operation::Take,
        "one_hot" => Operation::OneHot,
        "top_k" => Operation::TopK,
        "matmul" => Operation::Matmul,
        "shape" => Operation::Shape,
        "image.resize" => Operation::Resize,
        "depth_to_space" => Operation::DepthToSpace,
        "space_to_depth" => Operation::SpaceToDepth,
        _ => return None,
    })
}

/// By the name of the class in `keras.ops`.
pub(super) fn keras3(class: &str) -> Option<Operation> {
    Some(match class {
        "Abs" | "Absolute" | "Arccos" | "Arccosh" | "Arcsin" | "Arcsinh" | "Arctan" | "Arctanh" | "Argsort"
        | "BatchNorm" | "Cast" | "Cbrt" | "Ceil" | "Celu" | "Clip" | "Copy" | "Cos" | "Cosh" | "Cumprod" | "Cumsum"
        | "Elu" | "Erf" | "Erfc" | "Erfinv" | "Exp" | "Exp2" | "Expm1" | "Flip" | "Floor" | "FullLike" | "Gelu"
        | "HardShrink" | "HardSigmoid" | "HardSilu" | "HardTanh" | "Isfinite" | "Isinf" | "Isnan" | "LayerNorm"
        | "LeakyRelu" | "Log" | "Log10" | "Log1p" | "Log2" | "LogSigmoid" | "LogSoftmax" | "LogicalNot"
        | "NanToNum" | "Negative" | "Normalize" | "OnesLike" | "RMSNorm" | "Reciprocal" | "Relu" | "Relu6" | "Roll"
        | "Round" | "Rsqrt" | "SaturateCast" | "Selu" | "Sigmoid" | "Sign" | "Silu" | "Sin" | "Sinc" | "Sinh"
        | "SoftShrink" | "Softmax" | "Softplus" | "Softsign" | "Sort" | "SparsePlus" | "SparseSigmoid"
        | "Sparsemax" | "Sqrt" | "Square" | "Squareplus" | "StopGradient" | "Tan" | "Tanh" | "TanhShrink"
        | "Threshold" | "Tril" | "Triu" | "Trunc" | "ZerosLike" => Operation::Same,
        "Add" | "Arctan2" | "Divide" | "DivideNoNan" | "Equal" | "FloorDivide" | "Fmax" | "Fmin" | "Fmod"
        | "Greater" | "GreaterEqual" | "Hypot" | "Isclose" | "Less" | "LessEqual" | "Logaddexp" | "LogicalAnd"
        | "LogicalOr" | "LogicalXor" | "Maximum" | "Minimum" | "Mod" | "Multiply" | "NotEqual" | "Power"
        | "Subtract" | "TrueDivide" => Operation::Broadcast,
        "All" | "Amax" | "Amin" | "Any" | "CountNonzero" | "Logsumexp" | "Max" | "Mean" | "Median" | "Min" | "Norm"
        | "Prod" | "Std" | "Sum" | "Var" => Operation::Reduce,
        "Where" => Operation::Where,
        "Argmax" | "Argmin" => Operation::ArgReduce,
        "Concatenate" => Operation::Concatenate,
        "Stack" => Operation::Stack,
        "Unstack" => Operation::Unstack,
        "Split" => Operation::Split,
        "Reshape" => Operation::Reshape,
        "Ravel" => Operation::Ravel,
        "Transpose" => Operation::Transpose,
        "Swapaxes" => Operation::Swap,
        "Moveaxis" => Operation::Move,
        "ExpandDims" => Operation::ExpandDims,
        "Squeeze" => Operation::Squeeze,
        "Pad" => Operation::Pad,
        "Tile" => Operation::Tile,
        "Repeat" => Operation::Repeat,
        "GetItem" => Operation::Slice,
        "Take" => Operation::Take,
        "OneHot" => Operation::OneHot,
        "TopK" => Operation::TopK,
        "Matmul" => Operation::Matmul,
        "Einsum" => Operation::Einsum,
        "DotProductAttention" => Operation::Attention,
        "Resize" => Operation::Resize,
        "DepthToSpace" => Operation::DepthToSpace,
        "SpaceToDepth" => Operation::SpaceToDepth,
        _ => return None,
    })
}
