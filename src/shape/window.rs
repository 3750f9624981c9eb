//! Lengths under a sliding window, along one axis.

/// How a window meets the ends of an axis.
#[derive(Clone, Copy)]
pub(super) enum Padding {
    /// It stays inside.
    Valid,
    /// The axis is padded so that stride 1 keeps its length.
    Same,
    /// Every overlap counts (Keras 1).
    Full,
}

impl Padding {
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "valid" => Some(Padding::Valid),
            // Causal padding stands before the axis instead of around it.
            "same" | "causal" => Some(Padding::Same),
            "full" => Some(Padding::Full),
            _ => None,
        }
    }
}

/// A window along one axis.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub size: usize,
    pub stride: usize,
    pub dilation: usize,
}

impl Window {
    /// The cells from its first to its last.
    fn span(self) -> Option<usize> {
        self.size.checked_sub(1)?.checked_mul(self.dilation)?.checked_add(1)
    }

    /// The number of its places on an axis of `length`; none where it does not fit once, as Keras refuses that.
    pub fn places(self, length: usize, padding: Padding) -> Option<usize> {
        let span = self.span()?;
        let starts = match padding {
            Padding::Valid => length.checked_sub(span)?.checked_add(1)?,
            Padding::Same => length,
            Padding::Full => length.checked_add(span)?.checked_sub(1)?,
        };
        (self.stride > 0).then(|| starts.div_ceil(self.stride))
    }

    /// The length that a transposed convolution makes of `length`.
    pub fn transposed(self, length: usize, padding: Padding, output_padding: Option<usize>) -> Option<usize> {
        let span = self.span()?;
        let apart = || length.checked_sub(1)?.checked_mul(self.stride);
        match (padding, output_padding) {
            (Padding::Valid, extra) => {
                let extra = extra.unwrap_or(self.stride.saturating_sub(span));
                apart()?.checked_add(span)?.checked_add(extra)
            }
            (Padding::Same, None) => length.checked_mul(self.stride),
            (Padding::Same, Some(extra)) => apart()?.checked_add(span % 2)?.checked_add(extra),
            (Padding::Full, _) => None,
        }
    }
}
