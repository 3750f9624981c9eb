//! The two libraries that load a model, and in what they differ. Nothing else asks which one it is.

/// The Keras that loads a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keras {
    /// Keras 2 (`tf_keras`) and before.
    Two,
    /// Keras 3.
    Three,
}

/// How the archives of a Keras are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveForm {
    /// As TensorFlow 2.12 and 2.13 do.
    Oldest,
    /// As TensorFlow 2.14 does.
    Old,
    /// As all others do.
    Today,
}

impl ArchiveForm {
    /// All.
    pub const ALL: [ArchiveForm; 3] = [ArchiveForm::Oldest, ArchiveForm::Old, ArchiveForm::Today];

    /// That of a version such as `2.15.0`.
    pub fn of_version(version: &str) -> Self {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        match [numbers.next().flatten(), numbers.next().flatten()] {
            [Some(2), Some(12 | 13)] => ArchiveForm::Oldest,
            [Some(2), Some(14)] => ArchiveForm::Old,
            _ => ArchiveForm::Today,
        }
    }

    /// The group in a model's group that holds those of its layers.
    pub fn layers(self) -> &'static str {
        match self {
            ArchiveForm::Oldest | ArchiveForm::Old => "_layer_checkpoint_dependencies",
            ArchiveForm::Today => "layers",
        }
    }

    /// Whether, among layers of a class, one with weights counts twice.
    pub fn counts_layers_with_weights_twice(self) -> bool {
        self == ArchiveForm::Oldest
    }
}

impl Keras {
    /// Both.
    pub const ALL: [Keras; 2] = [Keras::Two, Keras::Three];

    /// The one of a version such as `2.15.0`; what came before Keras 2 is loaded by it.
    pub fn of_version(version: &str) -> Option<Self> {
        let major: u32 = version.split('.').next()?.parse().ok()?;
        Some(if major >= 3 { Keras::Three } else { Keras::Two })
    }

    /// The one of a major version.
    pub fn numbered(number: u8) -> Option<Self> {
        Keras::ALL.into_iter().find(|keras| keras.number() == number)
    }

    /// Its major version.
    pub fn number(self) -> u8 {
        match self {
            Keras::Two => 2,
            Keras::Three => 3,
        }
    }

    /// Whether it loads configs that `writer` wrote.
    pub fn loads_what(self, writer: Keras) -> bool {
        self == Keras::Three || writer == Keras::Two
    }

    /// The other one, where it loads configs that this one wrote.
    pub fn others_that_load_its_files(self) -> impl Iterator<Item = Keras> {
        Keras::ALL.into_iter().filter(move |other| *other != self && other.loads_what(self))
    }

    /// Whether it loads a folder with the members of an archive in it.
    pub fn loads_folders(self) -> bool {
        self == Keras::Three
    }

    /// Whether a simulator's `mode` is a saved weight: with one, loading fails without it, and the other way round.
    pub fn saves_modes(self) -> bool {
        self == Keras::Two
    }

    /// Whether a model's layers that no output reaches are layers of the model after loading.
    pub fn keeps_unused_layers(self) -> bool {
        self == Keras::Two
    }

    /// Whether a model lists its weights by asking each layer for those that train, and then each for the others; else every
    /// variable is asked by itself.
    pub fn asks_layers_what_trains(self) -> bool {
        self == Keras::Two
    }

    /// Whether a model's outputs that come from one layer have names of their own: `two` and `two_1`.
    pub fn numbers_outputs(self) -> bool {
        self == Keras::Two
    }

    /// Whether a layer's dtype policy can say that its weights are quantized.
    pub fn quantizes(self) -> bool {
        self == Keras::Three
    }

    /// Whether an operation on tensors is a layer of the model, and counted among those of its class.
    pub fn lists_operations(self) -> bool {
        self == Keras::Two
    }

    /// Whether an archive's group for a class that begins with an underscore says so in another way.
    pub fn marks_private_groups(self) -> bool {
        self == Keras::Two
    }

    /// Whether a random generator of a layer is saved in archives, so that a layer with one needs a state there.
    pub fn saves_seeds(self) -> bool {
        self == Keras::Three
    }

    /// Whether all variables that an optimizer has made in any way are saved, not only those that it made as slots.
    pub fn tracks_all_variables(self) -> bool {
        self == Keras::Three
    }

    /// Whether the momentum of plain gradient descent is there even where it is zero.
    pub fn keeps_zero_momentum(self) -> bool {
        self == Keras::Two
    }
}
