/// The bytes of the arena that hold a value of this inference: sorted, disjoint, not touching.
struct WrittenIntervals {
    private var intervals: [Range<Int>] = []
    /// Rows that were looked at one by one, in all; the bound keeps validation linear whatever the plan says.
    private var scatteredRowCount = 0

    /// Adds the values of a block, all of which lie inside the arena.
    mutating func insert(_ block: Block) throws(ModelFileError) {
        if block.isContiguous {
            try insert(extent(block))
            return
        }
        for row in 0..<block.rows {
            try count()
            try insert(rowRange(block, row))
        }
    }

    /// Whether every value of the block has been written.
    mutating func contains(_ block: Block) throws(ModelFileError) -> Bool {
        if contains(extent(block)) { return true }
        if block.isContiguous { return false }
        for row in 0..<block.rows {
            try count()
            if !contains(rowRange(block, row)) { return false }
        }
        return true
    }

    /// From the first value to the last; the block lies inside the arena, so that its end exists.
    private func extent(_ block: Block) -> Range<Int> {
        let end = block.end ?? block.region.byteOffset
        return block.region.byteOffset..<max(end, block.region.byteOffset)
    }

    private func rowRange(_ block: Block, _ row: Int) -> Range<Int> {
        let start = block.region.byteOffset + row * block.region.stride * 4
        return start..<(start + block.columns * 4)
    }

    private mutating func count() throws(ModelFileError) {
        scatteredRowCount += 1
        if scatteredRowCount > ModelFormat.limitScatteredRows {
            throw .limitExceeded(.scatteredRows, declared: UInt64(scatteredRowCount), limit: ModelFormat.limitScatteredRows)
        }
    }

    private func contains(_ range: Range<Int>) -> Bool {
        let index = firstIndex(endingAtOrAfter: range.upperBound)
        return index < intervals.count && intervals[index].lowerBound <= range.lowerBound
    }

    private mutating func insert(_ range: Range<Int>) throws(ModelFileError) {
        let first = firstIndex(endingAtOrAfter: range.lowerBound)
        var last = first
        var merged = range
        while last < intervals.count, intervals[last].lowerBound <= range.upperBound {
            merged = min(merged.lowerBound, intervals[last].lowerBound)..<max(merged.upperBound, intervals[last].upperBound)
            last += 1
        }
        intervals.replaceSubrange(first..<last, with: CollectionOfOne(merged))
        if intervals.count > ModelFormat.limitIntervals {
            throw .limitExceeded(.scatteredRows, declared: UInt64(intervals.count), limit: ModelFormat.limitIntervals)
        }
    }

    /// The first interval whose end is at least `offset`.
    private func firstIndex(endingAtOrAfter offset: Int) -> Int {
        var (low, high) = (0, intervals.count)
        while low < high {
            let middle = (low + high) / 2
            if intervals[middle].upperBound < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
