//! The shapes of the API objects in JSON and YAML, and how they become views.
