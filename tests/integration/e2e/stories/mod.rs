//! Whole stories: what a team has, what it types, and what it then has. They read as documentation.

mod container;
mod pipeline;
mod annotated;
mod ca_away;
mod fair;
mod gateways;
mod idle;
mod kube_lego;
mod login;
mod waiting;
mod wildcards;
