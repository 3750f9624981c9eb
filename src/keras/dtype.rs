//! What the cells of a tensor hold, in Keras' words.

use std::fmt;

use serde_json::Value;

/// A dtype that Keras knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dtype(&'static str);

impl Dtype {
    /// 32 bits, Keras' own choice.
    pub const FLOAT32: Dtype = Dtype("float32");
    /// Whole numbers of 32 bits: Keras' own choice of them.
    pub const INT32: Dtype = Dtype("int32");
    /// Whole numbers of 64 bits: places, counts.
    pub const INT64: Dtype = Dtype("int64");
    /// True or false.
    pub const BOOL: Dtype = Dtype("bool");

    /// All names that Keras 2 and 3 take.
    const NAMES: [&'static str; 19] = [
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "float8_e4m3fn",
        "float8_e5m2",
        "int4",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "string",
        "complex64",
        "complex128",
    ];

    /// The dtype of that name.
    pub fn named(name: &str) -> Option<Self> {
        Dtype::NAMES.into_iter().find(|known| *known == name).map(Dtype)
    }

    /// What a layer computes in whose config has this `dtype`: a name, or a policy as either Keras writes it.
    pub fn of_policy(policy: &Value) -> Option<Self> {
        let name = policy.as_str().or_else(|| policy.get("config")?.get("name")?.as_str())?;
        Dtype::named(name.strip_prefix("mixed_").unwrap_or(name))
    }

    /// The name, as in a config.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Whether a simulator can play on it: it overwrites cells with what a float32 holds, and flips the bits of one.
    pub fn is_float(self) -> bool {
        matches!(self.0, "float16" | "bfloat16" | "float32" | "float64")
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
