//! What the C library does with memory that was freed.

/// Who frees a block of this size has told glibc that the process deals in such.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: usize = 16 * 1024 * 1024;

/// Has glibc keep up to 32 MiB of freed memory for the next allocations, as any process does that once freed a large buffer
/// (`M_TRIM_THRESHOLD`, mallopt(3)): it adjusts itself to twice the largest block. Chunks of a stream are freed some
/// megabytes at a time; given back to the kernel each time, and cleared by it each time, they cost more than to read them.
/// A threshold that the user has set stays. No other C library needs this.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE))));
    }
}
