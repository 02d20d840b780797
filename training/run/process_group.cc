// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/process_group.h"

#ifdef REENACT_WITH_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#ifdef REENACT_WITH_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>
#endif

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "reenact/error.h"

namespace reenact::training {
namespace {

/// Tensors travel in pieces of about this many elements: few messages, and little memory beside the model.
constexpr std::int64_t bucket_elements = 1 << 24;

/// Calls `transfer` with flat copies of the tensors, several in each and all of one type, and copies what
/// came back.
void in_buckets(const std::vector<torch::Tensor>& tensors,
                const std::function<void(torch::Tensor&)>& transfer) {
  torch::NoGradGuard no_grad;
  for (std::size_t first = 0; first < tensors.size();) {
    std::vector<torch::Tensor> flat;
    std::int64_t elements = 0;
    std::size_t next = first;
    for (; next < tensors.size() && elements < bucket_elements; ++next) {
      if (tensors[next].scalar_type() != tensors[first].scalar_type()) break;
      flat.push_back(tensors[next].detach().reshape(-1));
      elements += flat.back().numel();
    }
    auto bucket = torch::cat(flat);
    transfer(bucket);
    std::int64_t offset = 0;
    for (; first < next; ++first) {
      const auto size = tensors[first].numel();
      tensors[first].detach().copy_(bucket.narrow(0, offset, size).view_as(tensors[first]));
      offset += size;
    }
  }
}

}  // namespace

#ifdef REENACT_WITH_GLOO

namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string what_of(const std::exception& error) {
  // LibTorch appends a backtrace.
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return first_line(torch_error ? torch_error->what_without_backtrace() : error.what());
}

}  // namespace

struct ProcessGroup::Backend {
  Backend(const ProcessPlace& place, std::chrono::milliseconds timeout, std::chrono::seconds patience,
          [[maybe_unused]] const torch::Device& device)
      : place(place) {
    const std::string where = place.host + ":" + std::to_string(place.port);
    c10::intrusive_ptr<c10d::Store> store;
    try {
      c10d::TCPStoreOptions options;
      options.port = place.port;
      options.isServer = place.rank == 0;
      options.waitWorkers = false;
      options.timeout = patience;
      auto server = c10::make_intrusive<c10d::TCPStore>(place.host, options);
      store = c10::make_intrusive<c10d::PrefixStore>("reenact-" + place.attempt, std::move(server));
    } catch (const std::exception& error) {
      throw Error(ErrorCode::unreadable,
                  "process " + name() + " cannot reach the others at " + where + ": " + what_of(error));
    }
    try {
      const auto key = [](int rank) { return "here-" + std::to_string(rank); };
      store->set(key(place.rank), std::vector<std::uint8_t>{1});
      const auto end = std::chrono::steady_clock::now() + patience;
      for (int rank = 0; rank < place.count; ++rank) {
        while (!store->check({key(rank)})) {
          if (std::chrono::steady_clock::now() > end)
            throw Error(ErrorCode::unreadable, "process " + name() + " waited " +
                                                   std::to_string(patience.count()) + " s at " + where +
                                                   " for process " + std::to_string(rank) +
                                                   ", which did not come; were all of them started?");
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      }
      auto options = c10d::ProcessGroupGloo::Options::create();
      options->timeout = timeout;
      options->devices.push_back(place.host == "127.0.0.1" || place.host == "localhost"
                                     ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                     : c10d::ProcessGroupGloo::createDefaultDevice());
      gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.count, options);
#ifdef REENACT_WITH_NCCL
      if (device.is_cuda()) start_nccl(store, timeout);
#endif
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      lost(error);
    }
  }

  std::string name() const {
    return std::to_string(place.rank) + " of 0 to " + std::to_string(place.count - 1);
  }
  [[noreturn]] void lost(const std::exception& error) const {
    throw Error(ErrorCode::unreadable,
                "process " + name() + " lost another one (" + what_of(error) +
                    "); start all of them again with --resume to go on from the last checkpoint");
  }

  void sum(torch::Tensor& tensor) {
    transfer(tensor, [](auto& group, auto& tensors) { return group->allreduce(tensors); });
  }
  void broadcast(torch::Tensor& tensor) {
    transfer(tensor, [](auto& group, auto& tensors) { return group->broadcast(tensors); });
  }

  /// Over NCCL where the tensor is on a GPU and there is NCCL, else over Gloo by way of the CPU.
  template <typename Collective>
  void transfer(torch::Tensor& tensor, const Collective& collective) {
    try {
#ifdef REENACT_WITH_NCCL
      if (tensor.is_cuda()) {
        std::vector<torch::Tensor> tensors = {tensor};
        collective(nccl, tensors)->wait();
        return;
      }
#endif
      std::vector<torch::Tensor> tensors = {tensor.cpu()};
      collective(gloo, tensors)->wait();
      if (!tensor.is_cpu()) tensor.copy_(tensors[0]);
    } catch (const std::exception& error) {
      lost(error);
    }
  }

#ifdef REENACT_WITH_NCCL
  void start_nccl(const c10::intrusive_ptr<c10d::Store>& store, std::chrono::milliseconds timeout) {
    // Otherwise a lost process would end this one from within a thread of NCCL's, without a sentence.
    ::setenv("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                                       place.rank, place.count, options);
  }
  // Nothing is under way by now, and an orderly end would wait for processes that may be lost.
  ~Backend() {
    if (nccl) nccl->abort();
  }
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif

  ProcessPlace place;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
};

#else

struct ProcessGroup::Backend {
  Backend(const ProcessPlace& place, std::chrono::milliseconds, std::chrono::seconds, const torch::Device&) {
    throw Error(ErrorCode::unsupported, std::to_string(place.count) +
                                            " processes are to train together, but this build has no Gloo: "
                                            "install libgloo-dev and build again, or "
                                            "train with one process");
  }
  void sum(torch::Tensor&) {}
  void broadcast(torch::Tensor&) {}
};

#endif

ProcessGroup::ProcessGroup() = default;
ProcessGroup::~ProcessGroup() = default;
ProcessGroup::ProcessGroup(ProcessGroup&&) noexcept = default;
ProcessGroup& ProcessGroup::operator=(ProcessGroup&&) noexcept = default;

ProcessGroup::ProcessGroup(const ProcessPlace& place, std::chrono::milliseconds timeout,
                           std::chrono::seconds patience, const torch::Device& device)
    : place_(place), timeout_(timeout) {
  if (place.count > 1) backend_ = std::make_unique<Backend>(place, timeout, patience, device);
}

bool ProcessGroup::has_nccl() {
#ifdef REENACT_WITH_NCCL
  return true;
#else
  return false;
#endif
}

void ProcessGroup::sum(torch::Tensor& tensor) {
  backend_->sum(tensor);
}

void ProcessGroup::average(const std::vector<torch::Tensor>& tensors) {
  if (!backend_) return;
  std::vector<torch::Tensor> defined;
  for (const auto& tensor : tensors)
    if (tensor.defined()) defined.push_back(tensor);
  in_buckets(defined, [this](torch::Tensor& bucket) {
    sum(bucket);
    bucket.div_(count());
  });
}

void ProcessGroup::average_gradients(const torch::optim::Optimizer& optimizer) {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : optimizer.param_groups())
    for (const auto& parameter : group.params()) gradients.push_back(parameter.grad());
  average(gradients);
}

void ProcessGroup::average_batch_statistics(const torch::nn::Module& module) {
  if (!backend_) return;
  std::vector<torch::Tensor> statistics;
  for (const auto& item : module.named_buffers())
    if (item.key().ends_with("running_mean") || item.key().ends_with("running_var"))
      statistics.push_back(item.value());
  average(statistics);
}

void ProcessGroup::average(std::map<std::string, double>& values) {
  if (!backend_ || values.empty()) return;
  std::vector<double> list;
  for (const auto& [name, value] : values) list.push_back(value);
  auto tensor = torch::tensor(list, torch::kDouble);
  sum(tensor);
  std::int64_t i = 0;
  for (auto& [name, value] : values) value = tensor[i++].item<double>() / count();
}

void ProcessGroup::broadcast(const torch::nn::Module& module) {
  if (!backend_) return;
  auto tensors = module.parameters();
  for (const auto& buffer : module.buffers()) tensors.push_back(buffer);
  in_buckets(tensors, [this](torch::Tensor& bucket) { backend_->broadcast(bucket); });
}

bool ProcessGroup::any(bool mine) {
  if (!backend_) return mine;
  auto votes = torch::full({1}, mine ? 1.0 : 0.0);
  sum(votes);
  return votes.item<double>() > 0;
}

void ProcessGroup::wait_for(const std::function<void()>& work) {
  if (!backend_) return work();
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false, failed = false;
  std::exception_ptr loss;
  std::thread signs_of_life([&] {
    try {
      for (double finished = 0; finished < count();) {
        bool mine;
        {
          std::unique_lock lock(mutex);
          changed.wait_for(lock, timeout_ / 4, [&] { return done || failed; });
          if (failed) return;
          mine = done;
        }
        auto votes = torch::full({1}, mine ? 1.0 : 0.0);
        sum(votes);
        finished = votes.item<double>();
      }
    } catch (...) {
      loss = std::current_exception();
    }
  });
  const auto finish = [&](bool& how) {
    {
      std::lock_guard lock(mutex);
      how = true;
    }
    changed.notify_one();
    signs_of_life.join();
  };
  try {
    work();
  } catch (...) {
    finish(failed);
    throw;
  }
  finish(done);
  if (loss) std::rethrow_exception(loss);
}

void ProcessGroup::on_main(const std::function<void()>& work) {
  wait_for(is_main() ? work : [] {});
}

}  // namespace reenact::training
