// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_ANNOTATIONS_H_
#define TAKT_SYNC_ANNOTATIONS_H_

/// Clang's thread-safety attributes (clang.llvm.org/docs/ThreadSafetyAnalysis.html) under names
/// that expand to nothing elsewhere. They change no layout and no code.
#if defined(__clang__)
#define TAKT_THREAD_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define TAKT_THREAD_ATTRIBUTE(attribute)
#endif

#define TAKT_CAPABILITY(kind) TAKT_THREAD_ATTRIBUTE(capability(kind))
#define TAKT_SCOPED_CAPABILITY TAKT_THREAD_ATTRIBUTE(scoped_lockable)
#define TAKT_GUARDED_BY(lock) TAKT_THREAD_ATTRIBUTE(guarded_by(lock))
#define TAKT_PT_GUARDED_BY(lock) TAKT_THREAD_ATTRIBUTE(pt_guarded_by(lock))
#define TAKT_REQUIRES(...) TAKT_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define TAKT_REQUIRES_SHARED(...) TAKT_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define TAKT_EXCLUDES(...) TAKT_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define TAKT_ACQUIRE(...) TAKT_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TAKT_ACQUIRE_SHARED(...) TAKT_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define TAKT_RELEASE(...) TAKT_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TAKT_RELEASE_SHARED(...) TAKT_THREAD_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define TAKT_TRY_ACQUIRE(...) TAKT_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define TAKT_TRY_ACQUIRE_SHARED(...) \
  TAKT_THREAD_ATTRIBUTE(try_acquire_shared_capability(__VA_ARGS__))
#define TAKT_NO_THREAD_SAFETY_ANALYSIS TAKT_THREAD_ATTRIBUTE(no_thread_safety_analysis)

#endif  // TAKT_SYNC_ANNOTATIONS_H_
