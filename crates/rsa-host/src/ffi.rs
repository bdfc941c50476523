//! The calls into aws-lc, each wrapped so that the rest of the crate is safe. Must not know the card's types.

use aws_lc_sys::{
    BIGNUM, BN_bin2bn, BN_clear_free, ERR_clear_error, RSA, RSA_NO_PADDING, RSA_free, RSA_new_private_key, RSA_sign_raw,
};
use std::ptr::{self, NonNull};

/// The numbers of a private key, big endian.
pub(crate) struct Parts<'a> {
    pub(crate) n: &'a [u8],
    pub(crate) e: &'a [u8],
    pub(crate) d: &'a [u8],
    pub(crate) p: &'a [u8],
    pub(crate) q: &'a [u8],
    pub(crate) dp: &'a [u8],
    pub(crate) dq: &'a [u8],
    pub(crate) qinv: &'a [u8],
}

/// An imported private key, freed on drop. aws-lc overwrites whatever memory it frees, the key's numbers included.
pub(crate) struct PrivateKey {
    rsa: NonNull<RSA>,
    modulus: Box<[u8]>,
}

// SAFETY: an RSA object is bound to no thread: its lock is a process-wide kind, its memory comes from malloc, and
// only the error queue is per thread, which no pointer of ours refers to. So another thread may use and free it.
unsafe impl Send for PrivateKey {}

// SAFETY: the only operation through a shared reference is RSA_sign_raw. aws-lc's rsa.h says of its section "Signing
// / Verification" that its functions are non-mutating for thread-safety purposes and may be used concurrently: the
// lazily computed values and the blinding factors behind them have a lock of their own. The modulus is never written.
unsafe impl Sync for PrivateKey {}

impl PrivateKey {
    /// Imports a key, or `None` where the library refuses the numbers or is out of memory.
    pub(crate) fn import(parts: Parts<'_>) -> Option<Self> {
        // A number with leading zeros would make the key shorter than its buffers; the library bounds it above.
        if parts.n.first().is_none_or(|first| *first == 0) {
            return None;
        }
        let [n, e, d] = [Number::new(parts.n)?, Number::new(parts.e)?, Number::new(parts.d)?];
        let [p, q] = [Number::new(parts.p)?, Number::new(parts.q)?];
        let [dp, dq, qinv] = [Number::new(parts.dp)?, Number::new(parts.dq)?, Number::new(parts.qinv)?];
        // SAFETY: every argument points to a live number. The function copies them all, checks that they belong
        // together and returns an object that is ours to free, or null.
        let rsa =
            unsafe { RSA_new_private_key(n.raw(), e.raw(), d.raw(), p.raw(), q.raw(), dp.raw(), dq.raw(), qinv.raw()) };
        match NonNull::new(rsa) {
            Some(rsa) => Some(Self { rsa, modulus: parts.n.into() }),
            None => {
                clear_errors();
                None
            }
        }
    }

    /// The modulus n, without leading zeros.
    pub(crate) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Raises `input` to the power d modulo n. False where the library refuses: an input of another length, one of
    /// 0, 1, n-1 and above, or a result that its fault check rejects.
    pub(crate) fn raise(&self, input: &[u8], output: &mut [u8]) -> bool {
        let mut written = 0;
        // SAFETY: the key is live. The library reads input.len() bytes, which are there, and writes at most
        // output.len() bytes, which are ours alone; both slices are borrowed for the whole call. Without padding it
        // refuses an input that is not as long as the modulus, and an output that is shorter. `written` outlives
        // the call.
        let done = unsafe {
            RSA_sign_raw(
                self.rsa.as_ptr(),
                ptr::from_mut(&mut written),
                output.as_mut_ptr(),
                output.len(),
                input.as_ptr(),
                input.len(),
                RSA_NO_PADDING,
            )
        };
        if done != 1 {
            clear_errors();
        }
        done == 1 && written == self.modulus.len()
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        // SAFETY: the object came from RSA_new_private_key, its one reference is ours and ends here.
        unsafe { RSA_free(self.rsa.as_ptr()) }
    }
}

/// A number of the library, overwritten and freed on drop.
struct Number(NonNull<BIGNUM>);

impl Number {
    fn new(bytes: &[u8]) -> Option<Self> {
        // SAFETY: the library reads bytes.len() bytes, which are there. A null result makes it return a new number,
        // which is ours to free, or null without memory.
        let number = NonNull::new(unsafe { BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) });
        if number.is_none() {
            clear_errors();
        }
        number.map(Self)
    }

    fn raw(&self) -> *const BIGNUM {
        self.0.as_ptr()
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the number came from BN_bin2bn, nobody else has it, and it is not used again.
        unsafe { BN_clear_free(self.0.as_ptr()) }
    }
}

/// Empties the error queue of this thread, so that nobody else's check of it sees our failures.
fn clear_errors() {
    // SAFETY: takes nothing and touches only the library's own per-thread queue.
    unsafe { ERR_clear_error() }
}
