//! Draws sites: spatial class, then value mix and parameter set, then cells, then a value for each.

use crate::classify::Classifier;
use crate::error_model::{Choice, FitError, Layers, Model, Part, Plan};
use crate::fault::{Cell, Fault, Site};
use crate::layout::Shape;
use crate::pattern::{Canvas, Rows, Setting, SpatialClass};
use crate::rng::{Rng, Streams};
use crate::value::{Mix, Range, ValueClass};

/// How often a site is drawn, at most, until its class is the first whose definition it meets.
pub const TRIES: u32 = 16;

/// What a site depends on beside model, shape, seed and index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// What the layer's output spans without faults.
    pub range: Range,
    /// Which parameter sets are drawn.
    pub rows: Rows,
    /// The only spatial class, if one is fixed.
    pub spatial_class: Option<SpatialClass>,
    /// The class of every value, if one is fixed.
    pub value_class: Option<ValueClass>,
}

/// What the sites of a run depend on.
///
/// Part of the promise (see `rng`): any change here makes other sites, and raises the version.
fn key(digest: &str, shape: Shape, options: &Options, seed: u64) -> String {
    let &Options { range, rows, spatial_class, value_class } = options;
    let rows = match rows {
        Rows::All => "all",
        Rows::Fitting => "fitting",
    };
    format!(
        "classes-h5 sites 1\nseed {seed}\nmodel {digest}\nshape {} {} {}\nrange {:08x} {:08x}\nrows {rows}\n\
         spatial_class {}\nvalue_class {}\n",
        shape.h,
        shape.w,
        shape.c,
        range.min().to_bits(),
        range.max().to_bits(),
        spatial_class.map_or("any", SpatialClass::name),
        value_class.map_or("any", ValueClass::name),
    )
}

/// Draws the sites of one run, in any order: site `i` depends on `i` and on what the run was made with, and on nothing
/// else.
pub struct Sampler {
    shape: Shape,
    streams: Streams,
    id: String,
    seed: u64,
    source: Source,
}

enum Source {
    Model { plan: Plan, range: Range, mix: Option<Mix> },
    SingleBitFlip,
}

impl Sampler {
    /// Sites as `model` has them, fitted to tensors of `shape`.
    ///
    /// # Errors
    /// Nothing of the model can be drawn there.
    pub fn new(model: &Model, shape: Shape, options: &Options, seed: u64) -> Result<Self, FitError> {
        let plan = model.fit(shape, options.rows, options.spatial_class)?;
        let text = key(model.digest(), shape, options, seed);
        Ok(Sampler::of_plan(plan, &text, model.id(), shape, options, seed))
    }

    /// Sites as the chosen layers of a set have them, fitted to tensors of `shape`: each first draws its layer.
    ///
    /// # Errors
    /// Nothing of the layers' models can be drawn there.
    pub fn among(
        layers: &Layers,
        choice: &Choice,
        shape: Shape,
        options: &Options,
        seed: u64,
    ) -> Result<Self, FitError> {
        let plan = layers.fit(choice, shape, options.rows, options.spatial_class)?;
        let text = key(layers.digest(), shape, options, seed) + &format!("measured_on {}\n", choice.key());
        Ok(Sampler::of_plan(plan, &text, layers.id(), shape, options, seed))
    }

    fn of_plan(plan: Plan, text: &str, id: String, shape: Shape, options: &Options, seed: u64) -> Self {
        let source = Source::Model { plan, range: options.range, mix: options.value_class.map(Mix::One) };
        Sampler { shape, streams: Streams::new(text), id, seed, source }
    }

    /// The classic baseline: one uniform cell, one uniform bit of its float32 flipped.
    pub fn single_bit_flip(shape: Shape, seed: u64) -> Self {
        let Shape { h, w, c, .. } = shape;
        let text = format!("classes-h5 single-bit-flip 1\nseed {seed}\nshape {h} {w} {c}\n");
        let id = "single-bit-flip".to_owned();
        Sampler { shape, streams: Streams::new(&text), id, seed, source: Source::SingleBitFlip }
    }

    /// The shape of the sites.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the sites are drawn from, as their lines say it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the sites are drawn from; none for single bit flips.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.source {
            Source::Model { plan, .. } => Some(plan),
            Source::SingleBitFlip => None,
        }
    }

    /// Room for a site of this run.
    pub fn room(&self) -> Drawn {
        Drawn {
            index: 0,
            pattern: None,
            canvas: Canvas::new(self.shape),
            faults: Vec::new(),
            classifier: Classifier::new(self.shape),
            classes: Vec::new(),
        }
    }

    /// Draws site `index` into `drawn`, which holds nothing of the site before it then.
    pub fn draw(&self, index: u64, drawn: &mut Drawn) {
        let rng = &mut self.streams.site(index);
        drawn.index = index;
        drawn.faults.clear();
        match &self.source {
            Source::Model { plan, range, mix } => drawn.draw_model(rng, plan, *range, mix.as_ref()),
            Source::SingleBitFlip => drawn.draw_bit_flip(rng),
        }
    }
}

/// A site as it was drawn, with all that is known about it. Reused from site to site.
pub struct Drawn {
    index: u64,
    pattern: Option<DrawnPattern>,
    canvas: Canvas,
    faults: Vec<(Fault, Option<ValueClass>)>,
    classifier: Classifier,
    classes: Vec<ValueClass>,
}

/// The spatial class of a drawn site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnPattern {
    /// What was drawn.
    pub class: SpatialClass,
    /// Whether it is the first whose definition the cells meet.
    pub as_defined: bool,
    /// Whether a percent range of its parameters lay wholly above its absolute cap.
    pub capped: bool,
    /// The place in the plan of the model that it is drawn from.
    pub part: usize,
    /// The place in the fitted model of its parameter set.
    pub set: usize,
    /// The place in the fitted model of its value mix; none where the value class is fixed.
    pub mix: Option<usize>,
}

impl Drawn {
    fn draw_model(&mut self, rng: &mut Rng, plan: &Plan, range: Range, fixed: Option<&Mix>) {
        // Where there is no choice no word is taken.
        let part = if plan.only().is_some() { 0 } else { plan.parts.draw_place(rng) };
        let Part { classes, .. } = plan.parts.get(part);
        let class = classes.draw(rng);
        let (mix_place, mix) = match fixed {
            Some(mix) => (None, mix),
            None => {
                let place = class.mixes.draw_place(rng);
                (Some(place), class.mixes.get(place))
            }
        };
        let set = class.patterns.draw_place(rng);
        let pattern = class.patterns.get(set);
        let mut as_defined = false;
        for _ in 0..TRIES {
            self.canvas.clear();
            pattern.cells(rng, &mut self.canvas);
            as_defined = self.classifier.class(&self.canvas.cells) == class.class;
            if as_defined {
                break;
            }
        }
        let capped = self.canvas.capped;
        self.pattern = Some(DrawnPattern { class: class.class, as_defined, capped, part, set, mix: mix_place });
        mix.draw(rng, self.canvas.cells.len(), &mut self.classes);
        let fault = |&class: &ValueClass| (Fault::Value(range.draw(class, rng)), Some(class));
        self.faults.extend(self.classes.iter().map(fault));
    }

    fn draw_bit_flip(&mut self, rng: &mut Rng) {
        self.pattern = None;
        self.canvas.clear();
        self.canvas.cells.push(rng.below(self.canvas.shape().cells() as u32));
        self.faults.push((Fault::Bit(rng.below(32) as u8), None));
    }

    /// The site's index in its run.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The shape of the tensor.
    pub fn shape(&self) -> Shape {
        self.canvas.shape()
    }

    /// Its spatial class; none for a single bit flip.
    pub fn pattern(&self) -> Option<DrawnPattern> {
        self.pattern
    }

    /// The parameters as they were drawn, choices made.
    pub fn parameters(&self) -> &[(&'static str, Setting)] {
        &self.canvas.parameters
    }

    /// The corrupted cells, channel by channel, as tensor indices `c * H * W + h * W + w`.
    pub fn places(&self) -> &[u32] {
        &self.canvas.cells
    }

    /// The corrupted cells and the class of each value (none where a bit is flipped), channel by channel.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, Option<ValueClass>)> {
        let Shape { h: height, w: width, .. } = self.shape();
        let (height, width) = (height as u32, width as u32);
        self.canvas.cells.iter().zip(&self.faults).map(move |(&place, &(fault, class))| {
            let row = place / width;
            let (h, w, c) = (row % height, place % width, row / height);
            (Cell { h: h as usize, w: w as usize, c: c as usize, fault }, class)
        })
    }

    /// What reaches the model.
    pub fn site(&self) -> Site {
        Site { shape: self.shape(), cells: self.cells().map(|(cell, _)| cell).collect() }
    }
}
