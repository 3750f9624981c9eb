//! Which of the measured layers a site may come from.
//!
//! A layer that was measured itself gives its own model. For all others each site first draws one of the layers of the same
//! kind of kernel (one cell, or more), the likelier the nearer the areas of the outputs are. Of the rules that were tried on
//! networks left out this one predicts best (tests/layers.rs); how far the layers differ goes into the result.

use thiserror::Error;

use super::{Layer, Layers};
use crate::layout::Shape;
use crate::operator::Convolution;
use crate::text::shown;
use crate::weighted::{self, Weighted};

/// What is known of the layer that is to be corrupted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The shape of its output.
    pub output: Option<Shape>,
    /// What it convolves.
    pub convolution: Option<&'a Convolution>,
    /// The measured layer that the user names.
    pub named: Option<&'a str>,
}

/// The measured layers that sites are drawn from, with their weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The layers.
    pub layers: Weighted<Layer>,
    /// What chose them.
    pub rule: Rule,
}

/// What chose the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The user.
    Named,
    /// They are of the same sizes as the layer.
    Exact,
    /// Their kernels and areas. The kernel of the layer may be unknown.
    Alike(Option<Kernel>),
    /// Nothing: all of the set.
    Any,
}

/// The kinds of kernel that are told apart: patterns over rows and columns come from the larger ones alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// One cell.
    Point,
    /// More than one.
    Larger,
}

/// A name that no layer of the set has.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{} has no measured layer {}", shown(set), shown(name))]
pub struct NoLayer {
    /// The set.
    pub set: String,
    /// The name.
    pub name: String,
    /// The layers that it has.
    pub there: Vec<String>,
}

impl Choice {
    /// What a site depends on of the choice, beside the shape.
    pub(crate) fn key(&self) -> String {
        match self.rule {
            Rule::Named | Rule::Exact => {
                let names: Vec<&str> = self.layers.iter().map(|(_, layer)| layer.name.as_str()).collect();
                names.join(" ")
            }
            Rule::Alike(None) => "alike".to_owned(),
            Rule::Alike(Some(Kernel::Point)) => "alike point".to_owned(),
            Rule::Alike(Some(Kernel::Larger)) => "alike larger".to_owned(),
            Rule::Any => "any".to_owned(),
        }
    }

    /// P(SDC) at a quantile of the layers by weight: the least that so large a share of the weight does not exceed.
    pub fn sdc(&self, quantile: f64) -> f64 {
        let mut layers: Vec<_> = self.layers.iter().map(|(weight, layer)| (layer.outcomes.sdc, weight)).collect();
        weighted::quantile(&mut layers, quantile)
    }

    /// The only layer, where there is one.
    pub fn only(&self) -> Option<&Layer> {
        let mut layers = self.layers.iter();
        let (_, first) = layers.next()?;
        layers.next().is_none().then_some(first)
    }
}

impl Kernel {
    fn of(kernel: [usize; 2]) -> Self {
        if kernel == [1, 1] { Kernel::Point } else { Kernel::Larger }
    }
}

impl Layer {
    /// The distance of the cells that the kernel reads: a padding of all but one cell of the kernel keeps the side at 2.
    fn dilation(&self) -> u32 {
        if self.kernel > 1 && self.padding + 1 == self.kernel { 2 } else { 1 }
    }

    /// Height and width of the input.
    pub fn side_in(&self) -> u32 {
        (self.side + self.dilation() * (self.kernel - 1)).saturating_sub(2 * self.padding)
    }

    /// Whether it is the same convolution. All were measured with a stride of 1.
    fn is(&self, convolution: &Convolution, output: Shape) -> bool {
        let square = |side: u32| [side as usize; 2];
        let Some(input) = convolution.input else { return false };
        convolution.is_full
            && [input.c, output.c] == [self.channels_in as usize, self.channels_out as usize]
            && [input.h, input.w] == square(self.side_in())
            && [output.h, output.w] == square(self.side)
            && convolution.kernel == square(self.kernel)
            && convolution.strides == [1, 1]
            && (self.kernel == 1 || convolution.dilation == square(self.dilation()))
    }

    /// How likely a layer with an output of this shape is drawn from it: the smaller area over the larger.
    fn nearness(&self, output: Shape) -> f64 {
        let (mine, other) = (f64::from(self.side).powi(2), output.plane() as f64);
        mine.min(other) / mine.max(other)
    }
}

impl Layers {
    /// The layers that sites are drawn from.
    ///
    /// # Errors
    /// No layer is called as [`Wanted::named`] says.
    pub fn choose(&self, wanted: &Wanted) -> Result<Choice, NoLayer> {
        if let Some(name) = wanted.named {
            return self.weighted(Rule::Named, |layer| f64::from(layer.name == name)).ok_or_else(|| NoLayer {
                set: self.name.clone(),
                name: name.to_owned(),
                there: self.iter().map(|layer| layer.name.clone()).collect(),
            });
        }
        let Some(output) = wanted.output else { return Ok(self.any()) };
        let exact = wanted
            .convolution
            .and_then(|convolution| self.weighted(Rule::Exact, |layer| f64::from(layer.is(convolution, output))));
        if let Some(exact) = exact {
            return Ok(exact);
        }
        let kernel = wanted.convolution.map(|convolution| Kernel::of(convolution.kernel));
        let alike = self.weighted(Rule::Alike(kernel), |layer| match kernel {
            Some(kernel) if kernel != Kernel::of([layer.kernel as usize; 2]) => 0.0,
            _ => layer.nearness(output),
        });
        // A set without a layer of the kind has nothing that is nearer.
        Ok(alike.unwrap_or_else(|| self.any()))
    }

    /// All layers with equal weights, where nothing is known of the one that is to be corrupted.
    pub fn any(&self) -> Choice {
        Choice { layers: self.any.clone(), rule: Rule::Any }
    }

    fn weighted(&self, rule: Rule, weight: impl Fn(&Layer) -> f64) -> Option<Choice> {
        let layers = self.iter().map(|layer| (weight(layer), layer.clone())).filter(|(weight, _)| *weight > 0.0);
        Weighted::new(layers.collect()).map(|layers| Choice { layers, rule })
    }
}

#[cfg(test)]
mod tests;
