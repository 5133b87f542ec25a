//! One pass, from commit to convergence.
