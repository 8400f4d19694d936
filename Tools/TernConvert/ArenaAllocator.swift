/// Gives buffers places in one arena so that buffers that are alive at the same time never overlap.
struct ArenaAllocator {
    /// A buffer with the first and last operation that touches it.
    struct Buffer {
        var byteCount: Int
        var first: Int
        var last: Int
        var byteOffset = 0
    }
    static let alignment = 64
    private(set) var buffers: [Buffer] = []

    /// Registers a buffer of binary32 values first written by operation `first`; gives its index.
    mutating func add(count: Int, first: Int) -> Int {
        let byteCount = (count * 4 + ArenaAllocator.alignment - 1) / ArenaAllocator.alignment * ArenaAllocator.alignment
        buffers.append(Buffer(byteCount: byteCount, first: first, last: first))
        return buffers.count - 1
    }

    mutating func touch(_ buffer: Int, by operation: Int) {
        buffers[buffer].first = min(buffers[buffer].first, operation)
        buffers[buffer].last = max(buffers[buffer].last, operation)
    }

    /// Places all buffers, largest first, each at the lowest offset that is free during its life; gives the arena's byte count.
    mutating func place() -> Int {
        var placed: [Int] = []
        var end = 0
        for index in buffers.indices.sorted(by: { (buffers[$1].byteCount, $0) < (buffers[$0].byteCount, $1) }) {
            let alive = placed.filter { buffers[$0].first <= buffers[index].last && buffers[index].first <= buffers[$0].last }
                .sorted { buffers[$0].byteOffset < buffers[$1].byteOffset }
            var offset = 0
            for other in alive {
                if offset + buffers[index].byteCount <= buffers[other].byteOffset { break }
                offset = max(offset, buffers[other].byteOffset + buffers[other].byteCount)
            }
            buffers[index].byteOffset = offset
            placed.append(index)
            end = max(end, offset + buffers[index].byteCount)
        }
        return end
    }
}
