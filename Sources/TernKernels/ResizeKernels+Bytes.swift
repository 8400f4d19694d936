internal import CTernKernels

extension ResizeKernels {
    /// Adds rows of bytes, each taken xor `flip`, times their weights, to the sums of the run's output rows.
    ///
    /// - Parameter weights: [run.rowCount][run.outputCount] with `fractionBits` fractional bits; of an output the magnitudes sum to less than 2.
    public func addColumns(
        _ samples: RawSpan, _ rows: ResizeRows, flip: UInt8, weights: [Int32], run: ResizeRun, to sums: inout ResizeSums<Int32>
    ) {
        rows.check(rowCount: run.rowCount, valueByteCount: 1, byteCount: samples.byteCount)
        Self.check(run, rows.columnCount, sums.columnCount, sums.slotCount, weightCount: weights.count)
        var op = unsafe tern_resize_columns_u8()
        unsafe op.row_bytes = rows.byteStride
        unsafe op.row_count = run.rowCount
        unsafe op.column_count = rows.columnCount
        unsafe op.flip = flip
        unsafe op.output_count = run.outputCount
        unsafe op.continued = run.continuedCount
        unsafe op.sum_stride = sums.stride
        unsafe op.first_slot = run.firstOutput % sums.slotCount
        unsafe op.slot_count = sums.slotCount
        // SAFETY: the checks above keep every row inside `samples` and every output's slot inside `sums`; each pointer lives as long as its closure.
        unsafe samples.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            unsafe op.samples = (base + rows.byteOffset).assumingMemoryBound(to: UInt8.self)
            unsafe weights.withUnsafeBufferPointer { weights in
                unsafe op.weights = weights.baseAddress
                unsafe sums.values.withUnsafeMutableBufferPointer { store in
                    unsafe op.sums = store.baseAddress
                    unsafe table.pointee.resize_columns_u8(&op)
                }
            }
        }
    }

    /// Rounds the finished sums of an output row to bytes.
    ///
    /// - Parameter start: where in `result` the row's bytes go.
    public static func finishRow(_ output: Int, of sums: ResizeSums<Int32>, into result: inout [UInt8], at start: Int) {
        precondition(output >= 0 && start >= 0 && start + sums.columnCount <= result.count, "a row outside the result")
        let slot = output % sums.slotCount * sums.stride
        // SAFETY: a slot holds the columns; the result was checked above.
        unsafe sums.values.withUnsafeBufferPointer { line in
            unsafe result.withUnsafeMutableBufferPointer { target in
                guard let line = line.baseAddress, let target = target.baseAddress else { return }
                unsafe tern_resize_bytes(line + slot, sums.columnCount, target + start)
            }
        }
    }

    /// Resamples rows of interleaved bytes, each taken xor `flip`, along their length into `result`, row after row from `start` on.
    ///
    /// - Parameters:
    ///   - rows: `columnCount` counts pixels here.
    ///   - channels: 1 or 3.
    ///   - scratch: what `scratchByteCount` says or more.
    public func resampleRows(
        _ samples: RawSpan, _ rows: ResizeRows, rowCount: Int, channels: Int, flip: UInt8, taps: ResizeTaps<Int32>, scratch: inout [UInt8],
        into result: inout [UInt8], at start: Int
    ) {
        precondition(channels == 1 || channels == 3, "bytes have 1 or 3 channels")
        precondition((1...Self.limitRowCount).contains(rowCount) && taps.inputCount == rows.columnCount, "taps of another width")
        rows.check(rowCount: rowCount, valueByteCount: channels, byteCount: samples.byteCount)
        precondition(scratch.count >= Self.scratchByteCount(taps, channels: channels), "too little scratch")
        precondition(start >= 0 && start + rowCount * taps.outputCount * channels <= result.count, "rows outside the result")
        var op = unsafe tern_resize_band_u8()
        unsafe op.row_bytes = rows.byteStride
        unsafe op.row_count = rowCount
        unsafe op.column_count = rows.columnCount
        unsafe op.channels = channels
        unsafe op.flip = flip
        unsafe op.weight_stride = taps.stride
        unsafe op.output_count = taps.outputCount
        // SAFETY: taps lie inside the columns, rows inside `samples`, results and scratch have their sizes by the checks above.
        unsafe samples.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            unsafe op.samples = (base + rows.byteOffset).assumingMemoryBound(to: UInt8.self)
            unsafe taps.weights.withUnsafeBufferPointer { weights in
                unsafe op.weights = weights.baseAddress
                unsafe taps.firsts.withUnsafeBufferPointer { firsts in
                    unsafe op.firsts = firsts.baseAddress
                    unsafe taps.counts.withUnsafeBufferPointer { counts in
                        unsafe op.counts = counts.baseAddress
                        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                            unsafe op.scratch = scratch.baseAddress
                            unsafe result.withUnsafeMutableBufferPointer { target in
                                guard let target = target.baseAddress else { return }
                                unsafe op.result = target + start
                                unsafe table.pointee.resize_band_u8(&op)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Bytes of scratch that `resampleRows` needs.
    public static func scratchByteCount(_ taps: ResizeTaps<Int32>, channels: Int) -> Int {
        Int(tern_resize_scratch(taps.inputCount, taps.outputCount, channels))
    }

    /// Writes the luminance of RGB pixels to `grey`, row after row without gaps: (19595 R + 38470 G + 7471 B + 32768) >> 16.
    ///
    /// - Parameter rows: `columnCount` counts pixels here.
    public func luminance(_ samples: RawSpan, _ rows: ResizeRows, rowCount: Int, into grey: inout [UInt8]) {
        rows.check(rowCount: rowCount, valueByteCount: 3, byteCount: samples.byteCount)
        precondition(rowCount * rows.columnCount <= grey.count, "rows outside the result")
        // SAFETY: both were checked above.
        unsafe samples.withUnsafeBytes { bytes in
            unsafe grey.withUnsafeMutableBufferPointer { target in
                guard let base = bytes.baseAddress, let to = target.baseAddress else { return }
                for row in 0..<rowCount {
                    let from = unsafe base + rows.byteOffset + row * rows.byteStride
                    unsafe table.pointee.luminance_u8(from.assumingMemoryBound(to: UInt8.self), rows.columnCount, to + row * rows.columnCount)
                }
            }
        }
    }
}
