//! What a user can try next, for each error of the library, and whether a flag is at fault.
//!
//! The library's errors say what is wrong and carry the data; here alone stand the words that name tools and flags.

use std::error::Error;
use std::io;

use super::classes_config::ClassesConfigError;
use super::near::{did_you_mean, near};
use crate::config::ConfigError;
use crate::diff::DiffError;
use crate::edit::EditError;
use crate::error_model::{FiguresError, Models, ModelsError, NoLayer};
use crate::estimate::{CountError, CountProblem, EstimateError};
use crate::fill::FillError;
use crate::harden::HardenError;
use crate::input::{InputError, Kind};
use crate::json::JsonError;
use crate::model_file::{Form, ModelFileError};
use crate::patch::PatchError;
use crate::plot::PlotError;
use crate::ranges::RangesError;
use crate::rewrite::{RewriteError, SitesError};
use crate::sites::npy::NpyError;
use crate::sites::pass::PassError;
use crate::sites::run::RequestError;
use crate::text::{listed, shown};
use crate::weights::{PlanError, WeightsError};

/// An error, told to a user: its one line, a hint where one helps, and whose fault it is.
pub trait Explain: Error {
    /// What to try next.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Whether a flag or its value is at fault (exit code 2) rather than some content (1).
    fn is_usage(&self) -> bool {
        false
    }
}

fn some(words: &str) -> Option<String> {
    Some(words.to_owned())
}

impl Explain for ClassesConfigError {}
impl Explain for JsonError {}
impl Explain for NpyError {}
impl Explain for DiffError {}
impl Explain for PassError {}

impl Explain for InputError {
    fn hint(&self) -> Option<String> {
        match self {
            InputError::Terminal { .. } => some("pipe something in, or name a file; --help shows an example"),
            InputError::Kind { kind: Kind::Hdf5, what, .. } if what == "a model config" => {
                some("h5-config-get prints a saved model's config: h5-config-get MODEL | classes-patch --list")
            }
            InputError::Kind { kind: Kind::Numpy, what, .. } if what == "sites" => {
                some("--injections and --masks take NumPy files")
            }
            _ => None,
        }
    }

    fn is_usage(&self) -> bool {
        matches!(self, InputError::Terminal { .. })
    }
}

impl Explain for ConfigError {
    fn hint(&self) -> Option<String> {
        match self {
            ConfigError::NotAModel { .. } => {
                some("h5-config-get prints the config of a saved model; classes-patch and h5-config-set take that")
            }
            ConfigError::UnknownLayer { name, there, .. } => Some(did_you_mean("its layers", name, there)),
            _ => None,
        }
    }
}

impl Explain for EditError {
    fn hint(&self) -> Option<String> {
        match self {
            EditError::UnknownLayer { layer, there } => Some(did_you_mean("the layers", layer, there)),
            EditError::InsideWrapper { is_possible_behind: false, .. } => None,
            EditError::InsideWrapper { wrapper, .. } => Some(format!("inject behind '{}' itself", shown(wrapper))),
            EditError::Twice { .. } => some(
                "for a simulator behind a simulator, chain: classes-patch --apply ... | classes-patch --after simulator",
            ),
            EditError::SeveralCalls { inputs, .. } => {
                let choices: Vec<String> =
                    inputs.iter().enumerate().map(|(call, input)| format!("--node {call} (on {input})")).collect();
                Some(format!("choose {}, or --node all", choices.join(", ")))
            }
            EditError::SeveralTensors { used, .. } => {
                let choices: Vec<String> = used.iter().map(|tensor| format!("--tensor {tensor}")).collect();
                Some(format!("choose {}", choices.join(" or ")))
            }
            EditError::Clipped { clip, .. } => Some(format!("--remove {} takes it out", shown(clip))),
            EditError::Rank { .. } | EditError::Dtype { .. } => some("classes-patch --list shows what can be injected"),
            _ => None,
        }
    }
}

impl Explain for PatchError {
    fn hint(&self) -> Option<String> {
        match self {
            PatchError::Malformed(_) | PatchError::Excess { .. } => None,
            _ => some("the patch was made for another config; make it again from this one with classes-patch"),
        }
    }
}

impl Explain for ModelFileError {
    fn hint(&self) -> Option<String> {
        match self {
            ModelFileError::WeightsOnly { .. } => {
                some("save the whole model: model.save('model.h5'), not model.save_weights")
            }
            ModelFileError::SavedModel { .. } => {
                some("in Python: tf_keras.models.load_model('model').save('model.h5'), where Keras has saved it")
            }
            ModelFileError::Ending { form: Form::Archive, .. } => {
                some("in Python: keras.models.load_model('model.keras').save('model.h5') makes an HDF5 file of it")
            }
            ModelFileError::Ending { form: Form::H5, .. } => {
                some("in Python: keras.models.load_model('model.h5').save('model.keras') makes an archive of it")
            }
            ModelFileError::Ending { form: Form::Folder, .. } => {
                some("in Python: keras.models.load_model('model').save('model.keras') makes an archive of it")
            }
            ModelFileError::NoAttribute { name, there, .. } if !there.is_empty() => {
                Some(did_you_mean("the attributes", name, there))
            }
            ModelFileError::Exists { .. } => some("--force replaces it"),
            _ => None,
        }
    }
}

impl Explain for WeightsError {
    fn hint(&self) -> Option<String> {
        match self {
            WeightsError::Missing { .. } => {
                some("only weightless layers and simulators can be added; a renamed layer loses its weights")
            }
            WeightsError::Order { .. } => some("load MODEL in Keras and save it again; that writes them in order"),
            WeightsError::NestedOrder { model, .. } => Some(outside(model)),
            WeightsError::Unclear { model, weights, .. } => {
                let names = listed(weights, 12);
                Some(format!("--non-trainable NAME or --trainable NAME says it of {names}; {}", outside(model)))
            }
            WeightsError::UnknownStated { name, there } => Some(did_you_mean("the weights", name, there)),
            WeightsError::StatedOtherwise { .. } | WeightsError::Shared { .. } | WeightsError::Inside { .. } => None,
            WeightsError::Place { .. } => some("load MODEL in Keras and save it again; that puts them there"),
            WeightsError::OtherTrained => None,
            WeightsError::Walks { .. } => some(
                "in Python: keras.models.load_model('model.keras', compile=False).save('model.keras') drops the optimizer's state",
            ),
            WeightsError::Slots { .. } => some(
                "in Python: keras.models.load_model('model.h5', compile=False).save('model.h5') drops the optimizer's state",
            ),
        }
    }

    fn is_usage(&self) -> bool {
        matches!(self, WeightsError::UnknownStated { .. } | WeightsError::StatedOtherwise { .. })
    }
}

fn outside(model: &str) -> String {
    format!("a simulator outside '{}' leaves its weights where they are", shown(model))
}

impl Explain for PlanError {
    fn hint(&self) -> Option<String> {
        match self {
            PlanError::Cycle(_) => None,
            PlanError::Weights(error) => error.hint(),
        }
    }

    fn is_usage(&self) -> bool {
        matches!(self, PlanError::Weights(error) if error.is_usage())
    }
}

impl Explain for FillError {
    fn hint(&self) -> Option<String> {
        match self {
            FillError::NoSimulator { .. } | FillError::UnknownNumber { .. } => None,
            FillError::NotDense { .. } => some("--sparse writes the cells only, and can carry bit flips"),
            FillError::TooLong { .. } | FillError::Memory { .. } => {
                some("--sparse writes the cells only; or split the sites over several files (classes-sites --first)")
            }
        }
    }
}

impl Explain for SitesError {
    fn hint(&self) -> Option<String> {
        match self {
            SitesError::Input(error) => error.hint(),
            _ => None,
        }
    }

    fn is_usage(&self) -> bool {
        matches!(self, SitesError::Input(error) if error.is_usage())
    }
}

impl Explain for RewriteError {
    fn hint(&self) -> Option<String> {
        match self {
            // Other attributes are of no use here.
            RewriteError::ModelFile(ModelFileError::NoAttribute { .. }) => None,
            RewriteError::ModelFile(error) => error.hint(),
            RewriteError::NewConfig(error) => error.hint(),
            RewriteError::Patch(error) => error.hint(),
            RewriteError::Weights(error) => error.hint(),
            RewriteError::Sites(error) => error.hint(),
            RewriteError::Fill(error) => error.hint(),
            RewriteError::NoSites { .. } => {
                some("--sites FILE, or --injections FILE.npy --masks FILE.npy; classes-sites draws sites")
            }
            RewriteError::NoPlaceholder { simulator: Some(name), open } if !open.is_empty() => {
                Some(did_you_mean("these do", name, open))
            }
            RewriteError::NoPlaceholder { .. } => some("classes-patch --after LAYER inserts one"),
            RewriteError::WhichSimulator { open } => {
                let first = open.first().map_or("simulator", String::as_str);
                Some(format!("say which: --sites {}=FILE", shown(first)))
            }
            _ => None,
        }
    }

    fn is_usage(&self) -> bool {
        match self {
            RewriteError::WhichSimulator { .. } | RewriteError::TwoSources { .. } => true,
            RewriteError::Sites(error) => error.is_usage(),
            RewriteError::Weights(error) => error.is_usage(),
            _ => false,
        }
    }
}

impl Explain for ModelsError {
    fn hint(&self) -> Option<String> {
        match self {
            ModelsError::NoOperator { operator, there, .. } => {
                let close = near(operator, there.iter().map(String::as_str));
                (!close.is_empty()).then(|| format!("did you mean {}?", listed(&close, 3)))
            }
            ModelsError::Io { path, error } if error.kind() == io::ErrorKind::NotFound => {
                Some(did_you_mean("the sets that are built in", &path.to_string_lossy(), Models::built_in()))
            }
            _ => None,
        }
    }
}

impl Explain for CountError {
    fn hint(&self) -> Option<String> {
        let is_unknown = matches!(self.problem, CountProblem::NoClass(_));
        is_unknown.then(|| "--range-min and --range-max give the golden range".to_owned())
    }
}

impl Explain for EstimateError {
    fn hint(&self) -> Option<String> {
        match self {
            EstimateError::NoSites => some("classes-diff makes sites of measured tensors"),
            EstimateError::TooFew { .. } => None,
        }
    }
}

impl Explain for NoLayer {
    fn hint(&self) -> Option<String> {
        let close = near(&self.name, self.there.iter().map(String::as_str));
        Some(match close.is_empty() {
            true => "classes-sites --list-layers shows them".to_owned(),
            false => format!("did you mean {}? classes-sites --list-layers shows them all", listed(&close, 3)),
        })
    }

    fn is_usage(&self) -> bool {
        true
    }
}

/// The sets that `--measured-on` is for.
fn by_layer() -> Option<String> {
    Some(format!("the sets that are: {}", Models::by_layer().join(", ")))
}

impl Explain for FiguresError {
    fn hint(&self) -> Option<String> {
        match self {
            FiguresError::Models(error) => error.hint(),
            FiguresError::NoLayer(error) => error.hint(),
            FiguresError::NotByLayer { .. } => by_layer(),
        }
    }

    fn is_usage(&self) -> bool {
        !matches!(self, FiguresError::Models(_))
    }
}

impl Explain for RequestError {
    fn hint(&self) -> Option<String> {
        match self {
            RequestError::NoShape => some("--layer NAME with a config, or --shape H,W,C"),
            RequestError::NoOperator { set, there } => Some(format!(
                "--layer NAME with a config, or --operator with one that {} has: {}",
                shown(set),
                listed(there, 20)
            )),
            RequestError::Rank { .. } => some("classes-patch --list shows what can be injected"),
            RequestError::LayerShape { .. } => some("--shape H,W,C gives it"),
            RequestError::LayerOperator { set, there, .. } => {
                Some(format!("--operator with one that {} has: {}", shown(set), listed(there, 20)))
            }
            RequestError::Models(error) => error.hint(),
            RequestError::NoLayer(error) => error.hint(),
            RequestError::NotByLayer { .. } => by_layer(),
            _ => None,
        }
    }

    fn is_usage(&self) -> bool {
        use RequestError::{NoLayer, NoOperator, NoShape, NotByLayer, Range, TooMany};
        matches!(self, NoShape | NoOperator { .. } | Range(_) | TooMany { .. } | NoLayer(_) | NotByLayer { .. })
    }
}

impl Explain for RangesError {
    fn hint(&self) -> Option<String> {
        match self {
            RangesError::NoLayer { layer, there } if !there.is_empty() => {
                Some(did_you_mean("its layers", layer, there))
            }
            RangesError::NoLayer { .. } | RangesError::Malformed { .. } => {
                some("python -m classes_h5.ranges writes such a file from a model and its inputs")
            }
            RangesError::NoBefore { .. } => {
                some("python -m classes_h5.ranges on the model without the patch measures both")
            }
            RangesError::Range { .. } => some("--range-min and --range-max set another"),
        }
    }
}

impl Explain for HardenError {
    fn hint(&self) -> Option<String> {
        match self {
            HardenError::Ranges(RangesError::Range { .. }) => {
                some("--only LAYER, again for more, clips those that it names")
            }
            HardenError::Ranges(error) => error.hint(),
            HardenError::Edit(EditError::UnknownLayer { .. }) => {
                some("the ranges are of another model: python -m classes_h5.ranges measures this one")
            }
            HardenError::Edit(EditError::Twice { .. }) => None,
            HardenError::Edit(error) => error.hint(),
            HardenError::Nothing => some("python -m classes_h5.ranges writes such a file from a model and its inputs"),
        }
    }
}

impl Explain for PlotError {
    fn hint(&self) -> Option<String> {
        match self {
            PlotError::Line(_) => None,
            PlotError::NoSites => some("classes-sites draws some"),
        }
    }
}
