#include "pipeline/run/agreement.hpp"
#include "pipeline/run/execution.hpp"

namespace voxflow::run {

void Execution::keep_labels(ByteWriter& out, std::size_t unit, std::size_t port, std::size_t slice,
                            std::uint32_t* labels) {
  const Box3& core = core_of(unit);
  const std::span<std::uint32_t> voxels(labels, static_cast<std::size_t>(count(core.extent)));
  if (merges()) {
    out.put(PartKind::labels).put(port).put(slice);
    in_kernel(schema_.name, [&] { return decompose::describe_labels(core, layout_.grid.shape, voxels); }).encode(out);
  } else {
    seen_.at(port).add(unit / layout_.blocks_per_call() * slices_per_call() + slice, voxels);
  }
  spill_.put(spill_number(unit, port, slice), decompose::pack_labels(voxels));
}

// Numbers the components of every volume: final labels of all blocks, then the largest label and the objects, by
// output.
std::string Execution::merge_components() {
  ByteWriter out;
  for (std::size_t o = 0; o < layout_.outputs.size(); ++o) {
    if (!is_labels(layout_.outputs[o])) continue;
    std::uint32_t largest = 0;
    std::uint64_t objects = 0;
    for (std::size_t call = 0; call < layout_.plan.calls.size(); ++call)
      for (std::size_t s = 0; s < slices_per_call(); ++s) {
        std::vector<decompose::BlockLabels> blocks;
        for (std::size_t b = 0; b < layout_.blocks_per_call(); ++b)
          blocks.push_back(std::move(described_.at(spill_number(call * layout_.blocks_per_call() + b, o, s))));
        const auto touching =
            static_cast<decompose::Touching>(variant_of(layout_.plan.calls[call]).bound->connectivity());
        const auto merged = decompose::merge_labels(*layout_.blocks, touching, blocks);
        for (const auto& labels : merged.of_block) out.put(labels);
        largest = std::max(largest, merged.count), objects += merged.count;
      }
    out.put(largest).put(objects);
  }
  described_.clear();
  return out.take();
}

// Takes this rank's part of what merge_components made.
void Execution::take_components(const std::string& bytes) {
  ByteReader in(bytes);
  for (std::size_t o = 0; o < layout_.outputs.size(); ++o) {
    if (!is_labels(layout_.outputs[o])) continue;
    for (std::size_t call = 0; call < layout_.plan.calls.size(); ++call)
      for (std::size_t s = 0; s < slices_per_call(); ++s)
        for (std::size_t b = 0; b < layout_.blocks_per_call(); ++b) {
          const std::size_t unit = call * layout_.blocks_per_call() + b;
          auto labels = in.get_vector<std::uint32_t>();
          if (unit % static_cast<std::size_t>(team_.size()) == static_cast<std::size_t>(team_.rank()))
            final_labels_[spill_number(unit, o, s)] = std::move(labels);
        }
    take_numbers(o, in);
  }
}

void Execution::take_numbers(std::size_t output, ByteReader& in) {
  storage_[output] = in.get<std::uint32_t>() <= 65535 ? DType::uint16 : DType::uint32;
  result_.objects[layout_.outputs[output].port] = in.get<std::uint64_t>();
}

// Labels that the kernel numbered itself: which occur, over all ranks.
void Execution::agree_on_labels() {
  for (auto& [o, seen] : seen_) {
    const auto all = team_.gather(seen.encode());
    std::string bytes;
    together(team_, [&, &labels = seen] {
      for (std::size_t rank = 1; rank < all.size(); ++rank) labels.merge(all[rank]);
      bytes = ByteWriter().put(labels.largest()).put(labels.objects()).take();
    });
    team_.broadcast(bytes);
    ByteReader in(bytes);
    take_numbers(o, in);
  }
}

void Execution::write_labels() {
  if (merges()) {
    std::string bytes;
    together(team_, [&] {
      if (team_.rank() == 0) bytes = merge_components();
    });
    team_.broadcast(bytes);
    together(team_, [&] { take_components(bytes); });
  } else {
    agree_on_labels();
  }
  together(team_, [&] {
    if (team_.rank() == 0)
      for (const auto& [o, storage] : storage_) sink_.open(layout_.outputs[o].port, layout_.outputs[o].info, storage);
  });
  Pass p = pass();
  p.work = [&](std::size_t unit, PassControl&) { return relabel_unit(unit); };
  p.deliver = [&](std::size_t unit, const std::string& message) { deliver(unit, message); };
  run_pass(team_, p, options_);
}

std::string Execution::relabel_unit(std::size_t unit) {
  const Box3& core = core_of(unit);
  const AlignedBuffer buffer(static_cast<std::size_t>(count(core.extent)) * sizeof(std::uint32_t));
  const std::span<std::uint32_t> labels(static_cast<std::uint32_t*>(buffer.data()),
                                        static_cast<std::size_t>(count(core.extent)));
  ByteWriter out;
  for (const auto& [o, storage] : storage_)
    for (std::size_t s = 0; s < slices_per_call(); ++s) {
      const std::size_t number = spill_number(unit, o, s);
      decompose::unpack_labels(spill_.get(number), labels);
      if (merges()) {
        const auto& final_labels = final_labels_.at(number);
        for (std::uint32_t& label : labels)
          if (label != 0) label = final_labels[label - 1];
      }
      put_chunks(out, o, call_of(unit).outputs[s], core, labels.data(), DType::uint32, storage);
    }
  return out.take();
}

}  // namespace voxflow::run
