//! From what a user asks for to a run, and what to tell the user about the choices made.

use std::path::PathBuf;

use thiserror::Error;

use super::{Note, RangeOf};
use crate::draw::{Options, Sampler};
use crate::error_model::{Figures, FitError, Models, ModelsError, NoLayer, Plan, Wanted};
use crate::keras::dtype::Dtype;
use crate::layout::{Shape, axes_words};
use crate::operator::{Convolution, Operator};
use crate::pattern::{Rows, SpatialClass};
use crate::ranges::Measured;
use crate::rng;
use crate::sites::drawn::Drawing;
use crate::sites::npy::{self, NpyError};
use crate::target::{NoTarget, Size, Target};
use crate::text::{shown, shown_path};
use crate::value::{Range, RangeError, ValueClass};

/// Where no range is given and no operator fixes one.
const DEFAULT_RANGE: (f32, f32) = (-30.0, 30.0);

/// What a user asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The layer that the sites are for.
    pub layer: Option<String>,
    /// The shape of the tensors.
    pub shape: Option<Shape>,
    /// The operator, a name in the set of models.
    pub operator: Option<String>,
    /// The set of models; gpu-warp where none is named.
    pub models: Option<Models>,
    /// What the layer convolves, where it does.
    pub convolution: Option<Convolution>,
    /// The name of the measured layer whose model is drawn from.
    pub measured_on: Option<String>,
    /// Where the golden range comes from.
    pub range: RangeFrom,
    /// Which parameter sets are drawn.
    pub rows: Rows,
    /// The only spatial class.
    pub spatial_class: Option<SpatialClass>,
    /// The class of every value.
    pub value_class: Option<ValueClass>,
    /// Single bit flips instead of a model.
    pub single_bit_flip: bool,
    /// The seed; drawn where none is given.
    pub seed: Option<u64>,
    /// The first site's index.
    pub first: u64,
    /// How many sites; 1 where it is not said.
    pub count: Option<u64>,
}

/// Where the golden range comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeFrom {
    /// The operator, or -30 to 30.
    Default,
    /// Its two ends.
    Ends(f32, f32),
    /// The smallest and largest finite value in a NumPy file.
    Golden(PathBuf),
    /// What a file of golden ranges has for the layer.
    Measured(Measured),
}

/// Why there is no run.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Neither a layer nor a shape is named.
    #[error("the shape is not known")]
    NoShape,
    /// The layer's output has no axis beside the batch, or too many.
    #[error("'{layer}' has no output of rank 2 to 8, the batch included: no site can be there", layer = shown(layer))]
    Rank {
        /// The layer.
        layer: String,
    },
    /// The layer's output holds no floats.
    #[error("'{layer}' outputs {dtype}: a site is in an output of floats", layer = shown(layer))]
    Dtype {
        /// The layer.
        layer: String,
        /// What its output holds.
        dtype: Dtype,
    },
    /// An axis of the layer's output is not known.
    #[error("the shape of what '{layer}' puts out is not known, only {size}{axes}", layer = shown(layer), axes = axes_words(size.axes().len()))]
    LayerShape {
        /// The layer.
        layer: String,
        /// What is known of it.
        size: Size,
    },
    /// The output has another size from call to call.
    #[error("'{layer}' is called at several sizes: {sizes}; a site has one", layer = shown(layer), sizes = each(sizes))]
    LayerSizes {
        /// The layer.
        layer: String,
        /// The sizes.
        sizes: Vec<Size>,
    },
    /// The shape that is given is not that of the layer's output.
    #[error("'{layer}' puts out {size}, not {shape}", layer = shown(layer))]
    OtherShape {
        /// The layer.
        layer: String,
        /// What is known of its output.
        size: Size,
        /// What is given.
        shape: Shape,
    },
    /// No operator is known for what the layer computes.
    #[error("the operator of '{layer}' ({class}) is not known", layer = shown(layer), class = shown(class))]
    LayerOperator {
        /// The layer.
        layer: String,
        /// Its class.
        class: String,
        /// The set of models.
        set: String,
        /// The operators that the set has.
        there: Vec<String>,
    },
    /// Neither a layer nor an operator is named.
    #[error("the operator is not known")]
    NoOperator {
        /// The set of models.
        set: String,
        /// The operators that it has.
        there: Vec<String>,
    },
    /// The ends make no range.
    #[error("{0}")]
    Range(#[from] RangeError),
    /// The values of an array make no range.
    #[error("{}: {error}", shown_path(path))]
    GoldenRange {
        /// The NumPy file.
        path: PathBuf,
        /// Why not.
        error: RangeError,
    },
    /// The array cannot be read.
    #[error("{0}")]
    Golden(#[from] NpyError),
    /// The last site would have no number.
    #[error("site {first} and {count} from there on: sites are counted below 2^64")]
    TooMany {
        /// The first site.
        first: u64,
        /// How many are wanted.
        count: u64,
    },
    /// There is no such model.
    #[error("{0}")]
    Models(#[from] ModelsError),
    /// The model cannot be drawn in that shape.
    #[error("{0}")]
    Fit(#[from] FitError),
    /// No measured layer is chosen.
    #[error("{0}")]
    NoLayer(#[from] NoLayer),
    /// The set has no layers to choose from.
    #[error("{} was not measured layer by layer", shown(set))]
    NotByLayer {
        /// The set of models.
        set: String,
    },
    /// The system has no random numbers.
    #[error("no seed can be drawn: {0}")]
    Seed(#[from] std::io::Error),
}

fn each(sizes: &[Size]) -> String {
    sizes.iter().map(Size::to_string).collect::<Vec<_>>().join(", ")
}

impl Request {
    /// Takes shape and operator, where they are not said yet, from a layer.
    ///
    /// # Errors
    /// The layer does not tell what is still needed.
    pub fn of_layer(
        &mut self,
        name: &str,
        target: Result<Target, NoTarget>,
        mut say: impl FnMut(Note),
    ) -> Result<(), RequestError> {
        self.layer = Some(name.to_owned());
        let layer = || name.to_owned();
        let target = match target {
            Ok(target) => Some(target),
            Err(NoTarget::Dtype(dtype)) => return Err(RequestError::Dtype { layer: layer(), dtype }),
            Err(NoTarget::Rank) => None,
        };
        let target = target.as_ref();
        if let Some(sizes) = target.map(|target| target.sizes.clone()).filter(|sizes| !sizes.is_empty()) {
            return Err(RequestError::LayerSizes { layer: layer(), sizes });
        }
        if let (Some(shape), Some(Target { size, .. })) = (self.shape, target)
            && !size.takes(shape)
        {
            return Err(RequestError::OtherShape { layer: layer(), size: size.clone(), shape });
        }
        if self.shape.is_none() {
            let target = target.ok_or_else(|| RequestError::Rank { layer: layer() })?;
            let size = target.size.clone();
            self.shape = Some(size.shape().ok_or_else(|| RequestError::LayerShape { layer: layer(), size })?);
        }
        if self.operator.is_some() || self.single_bit_flip {
            return Ok(());
        }
        let Some(operator) = target.and_then(|target| target.operator) else {
            let models = self.models.clone().unwrap_or_default();
            let class = target.map_or_else(String::new, |target| target.class.clone());
            let (set, there) = (models.name().to_owned(), models.operators()?);
            return Err(RequestError::LayerOperator { layer: layer(), class, set, there });
        };
        if let Some(activation) = target.and_then(|target| target.fused.as_deref()) {
            say(Note::Activation { layer: layer(), operator, activation: activation.to_owned() });
        }
        let name = self.models.as_ref().map_or(operator.name(), |models| models.name_of(operator));
        self.operator = Some(name.to_owned());
        Ok(())
    }

    /// The run that is asked for. `say` is told each choice that the user did not make.
    ///
    /// # Errors
    /// Something is missing, out of bounds, or not in the set of models; or nothing can be drawn in this shape.
    pub fn drawing(&self, say: impl FnMut(Note)) -> Result<Drawing, RequestError> {
        // Choices are told once all of them could be made.
        let mut told = Vec::new();
        let drawing = self.prepare(|note| told.push(note))?;
        told.into_iter().for_each(say);
        Ok(drawing)
    }

    fn prepare(&self, mut say: impl FnMut(Note)) -> Result<Drawing, RequestError> {
        let (first, count) = (self.first, self.count.unwrap_or(1));
        first.checked_add(count).ok_or(RequestError::TooMany { first, count })?;
        let shape = self.shape.ok_or(RequestError::NoShape)?;
        let seed = match self.seed {
            Some(seed) => seed,
            None => {
                let seed = rng::fresh_seed()?;
                say(Note::Seed(seed));
                seed
            }
        };
        let sampler = match self.single_bit_flip {
            true => Sampler::single_bit_flip(shape, seed),
            false => self.sampler(shape, seed, say)?,
        };
        Ok(Drawing { sampler, first, count, layer: self.layer.clone() })
    }

    fn sampler(&self, shape: Shape, seed: u64, mut say: impl FnMut(Note)) -> Result<Sampler, RequestError> {
        let models = match &self.models {
            Some(models) => models.clone(),
            None => {
                say(Note::DefaultModels);
                Models::default()
            }
        };
        let Some(operator) = &self.operator else {
            return Err(RequestError::NoOperator { set: models.name().to_owned(), there: models.operators()? });
        };
        let figures = models.figures(operator)?;
        let options = Options {
            range: self.range(operator, &mut say)?,
            rows: self.rows,
            spatial_class: self.spatial_class,
            value_class: self.value_class,
        };
        let sampler = match (&figures, &self.measured_on) {
            (Figures::Operator(model), None) => Sampler::new(model, shape, &options, seed)?,
            (Figures::Operator(_), Some(_)) => {
                return Err(RequestError::NotByLayer { set: models.name().to_owned() });
            }
            (Figures::Layers(layers), named) => {
                let convolution = self.convolution.as_ref();
                let choice = layers.choose(&Wanted { output: Some(shape), convolution, named: named.as_deref() })?;
                let sampler = Sampler::among(layers, &choice, shape, &options, seed)?;
                say(Note::Layers { set: models.name().to_owned(), choice });
                sampler
            }
        };
        if !shape.is_image() {
            say(Note::Extrapolated { model: sampler.id().to_owned(), shape });
        }
        if let Some(why) = sampler.plan().and_then(Plan::struck_words) {
            say(Note::Struck { model: sampler.id().to_owned(), shape, why });
        }
        Ok(sampler)
    }

    fn range(&self, operator: &str, mut say: impl FnMut(Note)) -> Result<Range, RequestError> {
        let (range, of) = match &self.range {
            RangeFrom::Default => match operator.parse().ok().and_then(Operator::range) {
                Some((min, max)) => (Range::new(min, max)?, RangeOf::Operator(operator.to_owned())),
                None => (Range::new(DEFAULT_RANGE.0, DEFAULT_RANGE.1)?, RangeOf::Default),
            },
            RangeFrom::Ends(min, max) => return Ok(Range::new(*min, *max)?),
            RangeFrom::Golden(path) => {
                let (min, max) = npy::finite_range(path)?;
                let error = |error| RequestError::GoldenRange { path: path.clone(), error };
                (Range::new(min as f32, max as f32).map_err(error)?, RangeOf::Array)
            }
            RangeFrom::Measured(Measured { range, of }) => (*range, RangeOf::Measured(of.clone())),
        };
        say(Note::Range { range, of });
        Ok(range)
    }
}
