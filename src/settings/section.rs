//! A setting is declared once: from that, `section!` generates the field, its variable, its default, and its lines in
//! `config example`.
//!
//! ```text
//! /// What it does: a line of the file's comment each.
//! name: Type => "an example, as YAML", off = true, variable = "NAME", usual = Some(default);
//! ```
//!
//! The field is an `Option`, which is `None` if the setting is absent. `off`: the example is a comment, because it
//! would not be right for everybody. `variable`: `KUBECTL_CERTS_NAME` sets it too. `usual`: its default. The last three
//! may be omitted.

use std::collections::BTreeMap;

use super::{
    SettingsError,
    env::{Lookup, Variable},
};

/// Settings that several sources can have.
pub(super) trait Section: Sized {
    /// These settings, completed by those of another source.
    fn merged(&self, other: &Self) -> Self;

    /// The defaults.
    fn usual() -> Self;

    /// The settings of the environment.
    fn of_environment(get: Lookup<'_>) -> Result<Self, SettingsError>;

    /// Adds the variables of the section.
    fn variables(into: &mut Vec<Variable>);
}

/// A value without settings of its own: the first source that has it provides all of it.
impl<T: Clone> Section for Option<T> {
    fn merged(&self, other: &Self) -> Self {
        self.clone().or_else(|| other.clone())
    }

    fn usual() -> Self {
        None
    }

    fn of_environment(_: Lookup<'_>) -> Result<Self, SettingsError> {
        Ok(None)
    }

    fn variables(_: &mut Vec<Variable>) {}
}

/// Entries by name: those of both sources; the first source takes precedence for each.
impl<V: Clone> Section for BTreeMap<String, V> {
    fn merged(&self, other: &Self) -> Self {
        let mut all = other.clone();
        all.extend(self.clone());
        all
    }

    fn usual() -> Self {
        Self::new()
    }

    fn of_environment(_: Lookup<'_>) -> Result<Self, SettingsError> {
        Ok(Self::new())
    }

    fn variables(_: &mut Vec<Variable>) {}
}

/// One setting as it was declared.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared {
    /// The name of the field in Rust. In the file it is in camel case.
    pub(super) name: &'static str,
    /// What it does, one item for each line of `///`.
    pub(super) about: &'static [&'static str],
    /// Its variable, without the prefix.
    pub(super) variable: Option<&'static str>,
    /// Its example.
    pub(super) example: Example,
}

/// The example for a setting.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(super) enum Example {
    /// A value.
    Value(&'static str),
    /// A value that is a comment.
    Off(&'static str),
    /// A section with these settings.
    Section(&'static [Declared]),
    /// Entries by name, each with some of these settings.
    Entries(&'static [Declared], &'static [(&'static str, ShownSettings)]),
}

/// Which settings of an entry are shown.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(super) enum ShownSettings {
    /// Only these.
    Only(&'static [&'static str]),
    /// All except these.
    AllBut(&'static [&'static str]),
}

macro_rules! section {
    (
        $(#[doc = $about:expr])+
        pub struct $Name:ident {
            $(
                $(#[doc = $doc:expr])+
                $field:ident: $type:ty => $example:expr
                $(, off = $off:tt)? $(, variable = $variable:literal)? $(, usual = $usual:expr)? ;
            )*
            $(
                sections {
                    $(
                        $(#[doc = $inner_doc:expr])+
                        $inner:ident: $inner_type:ty => $shape:expr ;
                    )+
                }
            )?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Default, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[cfg_attr(test, derive(::schemars::JsonSchema))]
        // The documentation is copied into the file, where a name needs no backquotes.
        #[allow(clippy::doc_markdown)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct $Name {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
            $($(
                $(#[doc = $inner_doc])+
                #[serde(skip_serializing_if = "crate::settings::section::is_default")]
                pub $inner: $inner_type,
            )+)?
        }

        impl $crate::settings::section::Section for $Name {
            fn merged(&self, other: &Self) -> Self {
                Self {
                    $($field: self.$field.merged(&other.$field),)*
                    $($($inner: self.$inner.merged(&other.$inner),)+)?
                }
            }

            fn usual() -> Self {
                Self {
                    $($field: section!(@usual $($usual)?),)*
                    $($($inner: $crate::settings::section::Section::usual(),)+)?
                }
            }

            fn of_environment(get: $crate::settings::env::Lookup<'_>) -> Result<Self, $crate::settings::SettingsError> {
                // Not every section has variables.
                let _ = get;
                Ok(Self {
                    $($field: section!(@variable get $($variable)?),)*
                    $($($inner: $crate::settings::section::Section::of_environment(get)?,)+)?
                })
            }

            fn variables(into: &mut Vec<$crate::settings::env::Variable>) {
                // Not every section has variables.
                let _ = &into;
                $(section!(@told into [$($doc),+] $($variable)?);)*
                $($(<$inner_type as $crate::settings::section::Section>::variables(into);)+)?
            }
        }

        #[cfg(test)]
        impl $Name {
            /// All settings of the section.
            pub(super) const DECLARED: &'static [$crate::settings::section::Declared] = &[
                $($crate::settings::section::Declared {
                    name: stringify!($field),
                    about: &[$($doc),+],
                    variable: section!(@name $($variable)?),
                    example: section!(@example $example $(, $off)?),
                },)*
                $($($crate::settings::section::Declared {
                    name: stringify!($inner),
                    about: &[$($inner_doc),+],
                    variable: None,
                    example: $shape,
                },)+)?
            ];
        }
    };
    (@usual) => { None };
    (@usual $usual:expr) => { $usual };
    (@variable $get:ident) => { None };
    (@variable $get:ident $variable:literal) => { $crate::settings::env::said($get, $variable)? };
    (@told $into:ident [$($about:expr),+]) => {};
    (@told $into:ident [$($about:expr),+] $variable:literal) => {
        $into.push($crate::settings::env::Variable { name: $variable, about: &[$($about),+] });
    };
    (@name) => { None };
    (@name $variable:literal) => { Some($variable) };
    (@example $example:expr) => { $crate::settings::section::Example::Value($example) };
    (@example $example:expr, true) => { $crate::settings::section::Example::Off($example) };
}

pub(super) use section;

/// Whether a value is the default, and so sets nothing.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
