//! Why the last step refuses.

use std::path::PathBuf;

use thiserror::Error;

use super::sites::SitesError;
use crate::config::ConfigError;
use crate::fill::FillError;
use crate::json::JsonError;
use crate::keras::version::Keras;
use crate::layout::Shape;
use crate::model_file::ModelFileError;
use crate::patch::PatchError;
use crate::text::{listed, shown, shown_path};
use crate::weights::PlanError;

/// Why no new model is written.
#[derive(Debug, Error)]
pub enum RewriteError {
    /// MODEL or OUT.
    #[error(transparent)]
    ModelFile(#[from] ModelFileError),
    /// MODEL's own config is not JSON.
    #[error("{path}: its config {error}", path = shown_path(.path))]
    ModelJson {
        /// MODEL.
        path: PathBuf,
        /// Why.
        error: JsonError,
    },
    /// MODEL's own config is not one of Keras.
    #[error("{path}: its config {error}", path = shown_path(.path))]
    ModelConfig {
        /// MODEL.
        path: PathBuf,
        /// Why.
        error: ConfigError,
    },
    /// The input is not JSON.
    #[error("the input {0}")]
    InputJson(JsonError),
    /// The input is JSON of another kind.
    #[error("the input is neither a patch (a JSON array) nor a config (a JSON object)")]
    NeitherPatchNorConfig,
    /// The patch cannot be applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The new config is not one that Keras could load.
    #[error("the new config: {0}")]
    NewConfig(ConfigError),
    /// A file of Keras 3 for Keras 2.
    #[error("MODEL is of Keras 3, and Keras 2 loads no config of Keras 3")]
    NewerConfig,
    /// What Keras 2 saves, unpacked.
    #[error("MODEL is a folder and of Keras 2, which loads archives (.keras) and .h5 files, and no such folder")]
    FolderOfKeras2,
    /// A file of Keras 2 for Keras 3, which does not find the output of a nested model there.
    #[error(
        "MODEL is of Keras 2, and Keras 3 would not load it: it does not find there what '{}' takes from the nested model '{}'",
        shown(layer),
        shown(nested)
    )]
    NestedConfig {
        /// The layer that takes it.
        layer: String,
        /// The nested model.
        nested: String,
    },
    /// An archive for another Keras than the one that wrote it.
    #[error("MODEL is an archive of Keras {}, and stays one: the two lay out their archives in different ways", writer.number())]
    OtherKeras {
        /// The Keras that wrote it.
        writer: Keras,
    },
    /// The saved weights do not fit the new config.
    #[error(transparent)]
    Weights(#[from] PlanError),
    /// The sites cannot be read.
    #[error(transparent)]
    Sites(#[from] SitesError),
    /// The sites cannot be written.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// A simulator whose placeholders would stay.
    #[error("the simulator '{simulator}' awaits sites, and none are given for it", simulator = shown(.simulator))]
    NoSites {
        /// The simulator.
        simulator: String,
    },
    /// Sites for nothing.
    #[error("{}", no_placeholder(.simulator))]
    NoPlaceholder {
        /// The simulator they were meant for.
        simulator: Option<String>,
        /// The simulators that await sites.
        open: Vec<String>,
    },
    /// Sites for one of several simulators.
    #[error("several simulators await sites: {open}", open = listed(.open, 12))]
    WhichSimulator {
        /// The simulators that await sites.
        open: Vec<String>,
    },
    /// Sites twice for one simulator.
    #[error("sites are given twice for the simulator '{simulator}'", simulator = shown(.simulator))]
    TwoSources {
        /// The simulator.
        simulator: String,
    },
    /// Sites of another tensor.
    #[error(
        "the sites have the shape {found}, but what reaches the simulator '{simulator}' is {expected}{axes}",
        axes = expected.axes_words(), simulator = shown(.simulator)
    )]
    OtherShape {
        /// The simulator.
        simulator: String,
        /// The shape of its input.
        expected: Box<Shape>,
        /// The sites' shape.
        found: Box<Shape>,
    },
    /// No site fits all that reaches the simulator.
    #[error("what reaches the simulator '{}' has several shapes: {}; a site has one", shown(simulator), list(shapes))]
    SeveralShapes {
        /// The simulator.
        simulator: String,
        /// The shapes of its inputs.
        shapes: Vec<Shape>,
    },
}

fn list(shapes: &[Shape]) -> String {
    shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(", ")
}

fn no_placeholder(simulator: &Option<String>) -> String {
    match simulator {
        Some(name) => format!("sites are given for '{}', which is no simulator that awaits some", shown(name)),
        None => "sites are given, but no simulator in the new config awaits some".to_owned(),
    }
}
