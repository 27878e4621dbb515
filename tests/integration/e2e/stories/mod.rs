//! Whole stories: what a team has, what it types, and what it then has. They read as documentation.

mod annotated;
mod backup;
mod ca_away;
mod coming_over;
mod container;
mod customers;
mod fair;
mod first_steps;
mod gateways;
mod guide;
mod idle;
mod kube_lego;
mod login;
mod pipeline;
mod tenants;
mod waiting;
mod wildcards;
