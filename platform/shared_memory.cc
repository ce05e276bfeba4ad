// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "takt/platform/fault.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

/// Makes a system call unless a test lets it fail; again after a signal. Its value, or -1 and the
/// errno in `error`.
template <class Call>
int call_through(SystemCall which, int& error, const Call& call) noexcept {
  for (;;) {
    error = injected_fault(which);
    if (error == 0) {
      const int value = call();
      if (value >= 0) return value;
      error = errno;
    }
    if (error != EINTR) return -1;
  }
}

/// "shared memory '/motor': " and what happened. A long name is cut at its front.
class Message {
 public:
  Message(const char* name, std::string_view what) noexcept {
    constexpr std::size_t kNameShown = 24;
    std::string_view shown(name);
    text_ << "shared memory '";
    if (shown.size() > kNameShown) {
      text_ << "...";
      shown.remove_prefix(shown.size() - kNameShown);
    }
    text_ << shown << "': " << what;
  }
  TextWriter& text() noexcept { return text_; }
  std::string_view view() const noexcept { return text_.view(); }

 private:
  Text<Status::kTextBytes> text_;
};

Status refusal(int error, const char* name, std::string_view what) noexcept {
  return Status::from_errno(error, Message(name, what).view());
}

/// What to do about a name that shm_open refused.
std::string_view open_advice(int error) noexcept {
  switch (error) {
    case EEXIST:
      return "shm_open: it exists; unlink it first";
    case ENOENT:
      return "shm_open: nobody has created it";
    case EACCES:
      return "shm_open: not permitted; see its mode";
    case EINVAL:
      return "shm_open: a name is '/' and 1 to 254 other characters";
    default:
      return "shm_open failed";
  }
}

Status check_arguments(const char* name, std::size_t bytes) noexcept {
  if (bytes == 0 || bytes > static_cast<std::size_t>(std::numeric_limits<off_t>::max())) {
    Message message(name, "cannot have ");
    message.text() << bytes << " bytes";
    return {StatusCode::invalid_argument, message.view()};
  }
  return {};
}

/// glibc takes the slash for optional and cuts several off; we want what is portable.
Status check_name(const char* name) noexcept {
  const std::string_view text(name);
  if (text.size() < 2 || text.size() > 255 || text.front() != '/' ||
      text.find('/', 1) != std::string_view::npos) {
    return refusal(EINVAL, name, open_advice(EINVAL));
  }
  return {};
}

/// Gives the file its size and its pages.
Status reserve(int descriptor, const char* name, std::size_t bytes) noexcept {
  int error = 0;
  const auto allocate = [&] { return ::fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)); };
  if (call_through(SystemCall::fallocate, error, allocate) == 0) return {};
  Message message(name, "fallocate of ");
  message.text() << bytes << (error == ENOSPC ? ": no room; see df /dev/shm" : " bytes failed");
  return Status::from_errno(error, message.view());
}

Status check_size(int descriptor, const char* name, std::size_t bytes) noexcept {
  int error = 0;
  struct stat file {};
  if (call_through(SystemCall::fstat, error, [&] { return ::fstat(descriptor, &file); }) != 0) {
    return refusal(error, name, "fstat failed");
  }
  const auto actual = static_cast<std::uint64_t>(file.st_size);
  if (actual == bytes) return {};
  if (actual == 0) {
    return {StatusCode::unavailable, Message(name, "has no size yet; try again").view()};
  }
  Message message(name, "has ");
  message.text() << actual << " bytes, not " << bytes;
  return {StatusCode::failed_precondition, message.view()};
}

/// Past the fault seam: whatever close says, the descriptor is gone.
void close_quietly(int descriptor) noexcept {
  const int saved_errno = errno;
  ::close(descriptor);
  errno = saved_errno;
}

}  // namespace

SharedMemory::~SharedMemory() {
  const int saved_errno = errno;
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
  if (descriptor_ >= 0) ::close(descriptor_);
  errno = saved_errno;
}

void SharedMemory::swap(SharedMemory& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(descriptor_, other.descriptor_);
}

Status SharedMemory::map(int descriptor, const char* name, std::size_t bytes) noexcept {
  int error = 0;
  void* address = nullptr;
  const auto map_it = [&] {
    address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return address == MAP_FAILED ? -1 : 0;
  };
  if (call_through(SystemCall::mmap, error, map_it) != 0) {
    return refusal(error, name, error == ENOMEM ? "mmap: no address space" : "mmap failed");
  }
  memory_ = {static_cast<std::byte*>(address), bytes};
  return {};
}

Result<SharedMemory> SharedMemory::create(const char* name, std::size_t bytes,
                                          mode_t mode) noexcept {
  if (const Status status = check_arguments(name, bytes); !status.ok()) return status;
  if (const Status status = check_name(name); !status.ok()) return status;
  int error = 0;
  const int descriptor = call_through(SystemCall::shm_open, error, [&] {
    return ::shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  });
  if (descriptor < 0) return refusal(error, name, open_advice(error));
  SharedMemory created;
  Status status = reserve(descriptor, name, bytes);
  if (status.ok()) status = created.map(descriptor, name, bytes);
  close_quietly(descriptor);
  if (status.ok()) return created;
  static_cast<void>(::shm_unlink(name));  // the first failure is the one to tell
  return status;
}

Result<SharedMemory> SharedMemory::open(const char* name, std::size_t bytes) noexcept {
  if (const Status status = check_arguments(name, bytes); !status.ok()) return status;
  if (const Status status = check_name(name); !status.ok()) return status;
  int error = 0;
  const int descriptor = call_through(SystemCall::shm_open, error,
                                      [&] { return ::shm_open(name, O_RDWR | O_CLOEXEC, 0); });
  if (descriptor < 0) return refusal(error, name, open_advice(error));
  SharedMemory opened;
  Status status = check_size(descriptor, name, bytes);
  if (status.ok()) status = opened.map(descriptor, name, bytes);
  close_quietly(descriptor);
  if (!status.ok()) return status;
  return opened;
}

Status SharedMemory::unlink(const char* name) noexcept {
  if (const Status status = check_name(name); !status.ok()) return status;
  int error = 0;
  if (call_through(SystemCall::shm_unlink, error, [&] { return ::shm_unlink(name); }) == 0) {
    return {};
  }
  return refusal(error, name,
                 error == ENOENT   ? "shm_unlink: no such name"
                 : error == EACCES ? "shm_unlink: only its owner may"
                                   : "shm_unlink failed");
}

Result<SharedMemory> SharedMemory::create_anonymous(const char* label, std::size_t bytes) noexcept {
  if (const Status status = check_arguments(label, bytes); !status.ok()) return status;
  int error = 0;
  SharedMemory created;
  created.descriptor_ = call_through(SystemCall::memfd_create, error, [&] {
    return ::memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  });
  if (created.descriptor_ < 0) return refusal(error, label, "memfd_create failed");
  Status status = reserve(created.descriptor_, label, bytes);
  if (!status.ok()) return status;
  // Nobody who gets the descriptor can take pages away under those who use them.
  const auto seal = [&] {
    return ::fcntl(created.descriptor_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  };
  if (call_through(SystemCall::fcntl, error, seal) != 0) {
    return refusal(error, label, "fcntl(F_ADD_SEALS) failed");
  }
  status = created.map(created.descriptor_, label, bytes);
  if (!status.ok()) return status;
  return created;
}

Result<SharedMemory> SharedMemory::from_descriptor(int descriptor, std::size_t bytes) noexcept {
  Text<24> name;
  name << "descriptor " << descriptor;
  if (const Status status = check_arguments(name.c_str(), bytes); !status.ok()) return status;
  SharedMemory opened;
  Status status = check_size(descriptor, name.c_str(), bytes);
  if (status.ok()) status = opened.map(descriptor, name.c_str(), bytes);
  if (!status.ok()) return status;
  return opened;
}

}  // namespace takt::inline v0::platform
