//! A measured layer: its size, and what became of the faults injected into it.

use std::fmt;

/// A convolution that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The network's name and the layer's; `merge0` and so on for several layers of one size.
    pub name: String,
    /// Channels of the input.
    pub channels_in: u32,
    /// Channels of the output.
    pub channels_out: u32,
    /// Height and width of the output, as the widest spans among its figures tell them.
    pub side: u32,
    /// Height and width of the input as the source lists them, which is wrong for eleven layers (models/README.md).
    pub listed_side: u32,
    /// Height and width of the kernel.
    pub kernel: u32,
    /// Cells of padding on each side.
    pub padding: u32,
    /// What an injected fault led to.
    pub outcomes: Outcomes,
    /// How many corrupted tensors the model rests on.
    pub tensors: u64,
}

/// What one injected fault led to, as shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcomes {
    /// The output was as without the fault.
    pub masked: f64,
    /// P(SDC): the output was corrupted.
    pub sdc: f64,
    /// The program crashed or hung.
    pub crashed: f64,
}

impl Layer {
    /// Reads the columns of a layer's line.
    pub(super) fn read(columns: &[&str]) -> Option<Self> {
        let &[name, channels_in, channels_out, listed, side, kernel, padding, masked, sdc, crashed, tensors] = columns
        else {
            return None;
        };
        let share = |text: &str| text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        let count = |text: &str| text.parse().ok().filter(|&count: &u32| count > 0);
        Some(Layer {
            name: name.to_owned(),
            channels_in: count(channels_in)?,
            channels_out: count(channels_out)?,
            side: count(side)?,
            listed_side: count(listed)?,
            kernel: count(kernel)?,
            padding: padding.parse().ok()?,
            outcomes: Outcomes { masked: share(masked)?, sdc: share(sdc)?, crashed: share(crashed)? },
            tensors: tensors.parse().ok()?,
        })
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layer { name, channels_in, channels_out, side, kernel, .. } = self;
        write!(f, "{name} ({channels_in} to {channels_out} channels, {side}x{side}, kernel {kernel}x{kernel})")
    }
}
