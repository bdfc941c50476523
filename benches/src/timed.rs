//! An RSA provider that measures another one, so that what the card adds around it can be told apart.

use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use rand_core::CryptoRng;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The time spent inside a provider; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Spent(Arc<AtomicU64>);

impl Spent {
    /// What has been spent since the last call.
    #[must_use]
    pub fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }

    /// Forgets what has been spent.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn add<T>(&self, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanoseconds, Ordering::Relaxed);
        result
    }
}

/// A provider and the time spent in it.
#[derive(Clone, Debug, Default)]
pub struct Timed<R> {
    inner: R,
    /// Time spent in the inner provider.
    pub spent: Spent,
}

impl<R: Rsa> Rsa for Timed<R> {
    type Prepared = R::Prepared;

    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        self.spent.add(|| self.inner.generate(bits, rng))
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        self.spent.add(|| self.inner.prepare(key))
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.spent.add(|| self.inner.private(key, input, output))
    }
}
