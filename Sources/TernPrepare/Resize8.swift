import TernBytes
import TernKernels
import TernModel

/// Resizes 8-bit samples with the fixed-point arithmetic of Pillow 13, so that the result is the same byte for byte.
///
/// Weights are rounded to 22 fractional bits. One direction is resampled first and rounded to 8 bits, then the other: rows first, unless the height
/// loses more than twice as many pixels as the width (earlier Pillows always take rows first; the results then differ by at most a rounding).
/// Sixteen rows at a time: no more than those, and the sums that are still growing, are held.
struct Resize8 {
    /// Rows of bytes and how they become planes.
    struct Source {
        /// Where the crop's first pixel lies.
        var byteOffset: Int
        /// From row to row.
        var byteStride: Int
        /// RGB pixels that become luminance.
        var isReduced: Bool
        /// 255 inverts.
        var flip: UInt8
    }
    private let horizontal: ResizeTaps<Int32>
    private let vertical: ResampleAxis
    private let verticalWeights: [Int32]
    private let inputHeight: Int
    private let channels: Int
    private let takesColumnsFirst: Bool
    private let kernels: ResizeKernels

    /// - Parameter channels: those of the result, 1 or 3.
    init(width: Int, height: Int, channels: Int, recipe: InputRecipe, kernels: ResizeKernels) {
        let axis = ResampleAxis(from: width, to: recipe.width, filter: recipe.filter)
        horizontal = ResizeTaps(
            firsts: axis.firsts, counts: axis.counts, weights: axis.weights.map(Resize8.fixedPoint), stride: axis.stride, inputCount: width)
        vertical = ResampleAxis(from: height, to: recipe.height, filter: recipe.filter)
        verticalWeights = vertical.weights.map(Resize8.fixedPoint)
        inputHeight = height
        self.channels = channels
        takesColumnsFirst = recipe.height < height && height - recipe.height > 2 * (width - recipe.width)
        self.kernels = kernels
    }

    /// - Shapes: `samples` hold the rows of `source`; the result is [recipe.height, recipe.width, channels].
    func run(_ source: Source, in samples: RawSpan) -> [UInt8] {
        takesColumnsFirst ? runColumnsFirst(source, samples) : runRowsFirst(source, samples)
    }

    private func runRowsFirst(_ source: Source, _ samples: RawSpan) -> [UInt8] {
        let rowByteCount = horizontal.outputCount * channels
        var band = [UInt8](repeating: 0, count: ResizeKernels.limitRowCount * rowByteCount)
        var scratch = [UInt8](repeating: 0, count: ResizeKernels.scratchByteCount(horizontal, channels: channels))
        var grey = greyBuffer(source)
        var sums = ResizeSums<Int32>(columnCount: rowByteCount, slotCount: vertical.limitActiveOutputs)
        var result = [UInt8](repeating: 0, count: vertical.firsts.count * rowByteCount)
        var weights: [Int32] = []
        var runs = ResampleRuns(vertical)
        let end = vertical.end
        for start in stride(from: runs.row, to: end, by: ResizeKernels.limitRowCount) {
            let rowCount = min(ResizeKernels.limitRowCount, end - start)
            if source.isReduced {
                let rows = reduce(source, samples, start, rowCount, into: &grey)
                kernels.resampleRows(
                    grey.rawBytes, rows, rowCount: rowCount, channels: 1, flip: source.flip, taps: horizontal, scratch: &scratch, into: &band, at: 0)
            } else {
                kernels.resampleRows(
                    samples, pixelRows(source, start), rowCount: rowCount, channels: channels, flip: source.flip, taps: horizontal,
                    scratch: &scratch, into: &band, at: 0)
            }
            while let step = runs.next(before: start + rowCount) {
                runs.weights(step, of: verticalWeights, into: &weights)
                let rows = ResizeRows(byteOffset: (step.row - start) * rowByteCount, byteStride: rowByteCount, columnCount: rowByteCount)
                kernels.addColumns(band.rawBytes, rows, flip: 0, weights: weights, run: step.run, to: &sums)
                for output in step.run.firstOutput..<(step.run.firstOutput + step.finishedCount) {
                    ResizeKernels.finishRow(output, of: sums, into: &result, at: output * rowByteCount)
                }
            }
        }
        return result
    }

    private func runColumnsFirst(_ source: Source, _ samples: RawSpan) -> [UInt8] {
        let wideByteCount = horizontal.inputCount * channels
        var wide = [UInt8](repeating: 0, count: ResizeKernels.limitRowCount * wideByteCount)
        var wideRows = 0
        var finished = 0
        var scratch = [UInt8](repeating: 0, count: ResizeKernels.scratchByteCount(horizontal, channels: channels))
        var grey = greyBuffer(source)
        var sums = ResizeSums<Int32>(columnCount: wideByteCount, slotCount: vertical.limitActiveOutputs)
        var result = [UInt8](repeating: 0, count: vertical.firsts.count * horizontal.outputCount * channels)
        var weights: [Int32] = []
        var runs = ResampleRuns(vertical)
        while let step = runs.next(before: vertical.end) {
            runs.weights(step, of: verticalWeights, into: &weights)
            if source.isReduced {
                let rows = reduce(source, samples, step.row, step.run.rowCount, into: &grey)
                kernels.addColumns(grey.rawBytes, rows, flip: source.flip, weights: weights, run: step.run, to: &sums)
            } else {
                var rows = pixelRows(source, step.row)
                rows.columnCount = wideByteCount
                kernels.addColumns(samples, rows, flip: source.flip, weights: weights, run: step.run, to: &sums)
            }
            for output in step.run.firstOutput..<(step.run.firstOutput + step.finishedCount) {
                ResizeKernels.finishRow(output, of: sums, into: &wide, at: wideRows * wideByteCount)
                wideRows += 1
                if wideRows == ResizeKernels.limitRowCount || output == vertical.firsts.count - 1 {
                    kernels.resampleRows(
                        wide.rawBytes, ResizeRows(byteOffset: 0, byteStride: wideByteCount, columnCount: horizontal.inputCount), rowCount: wideRows,
                        channels: channels, flip: 0, taps: horizontal, scratch: &scratch, into: &result,
                        at: finished * horizontal.outputCount * channels)
                    finished += wideRows
                    wideRows = 0
                }
            }
        }
        return result
    }

    private func pixelRows(_ source: Source, _ y: Int) -> ResizeRows {
        ResizeRows(byteOffset: source.byteOffset + y * source.byteStride, byteStride: source.byteStride, columnCount: horizontal.inputCount)
    }

    private func greyBuffer(_ source: Source) -> [UInt8] {
        source.isReduced ? [UInt8](repeating: 0, count: ResizeKernels.limitRowCount * horizontal.inputCount) : []
    }

    /// Writes the luminance of rows to `grey` and says how they lie there.
    private func reduce(_ source: Source, _ samples: RawSpan, _ y: Int, _ rowCount: Int, into grey: inout [UInt8]) -> ResizeRows {
        kernels.luminance(samples, pixelRows(source, y), rowCount: rowCount, into: &grey)
        return ResizeRows(byteOffset: 0, byteStride: horizontal.inputCount, columnCount: horizontal.inputCount)
    }

    /// Rounds half away from zero.
    private static func fixedPoint(_ weight: Double) -> Int32 {
        let scaled = weight * Double(1 << ResizeKernels.fractionBits)
        return Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
    }
}
