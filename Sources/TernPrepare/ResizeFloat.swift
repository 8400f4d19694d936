import TernImage
import TernKernels
import TernModel

/// Resizes an image of real values with the weights of `ResampleAxis`: N-15 of Models/NUMERICS.md.
///
/// Columns first: input rows are added to the few output rows they take part in, with weights rounded to binary32 and sums in binary64, and each finished
/// row is resampled along its length in binary64. Held are those few sums and, where grey values are looked up, 16 input rows.
struct ResizeFloat {
    private let horizontal: ResizeTaps<Double>
    private let vertical: ResampleAxis
    private let verticalWeights: [Float]
    private let kernels: ResizeKernels

    init(width: Int, height: Int, recipe: InputRecipe, kernels: ResizeKernels) {
        let axis = ResampleAxis(from: width, to: recipe.width, filter: recipe.filter)
        horizontal = ResizeTaps(firsts: axis.firsts, counts: axis.counts, weights: axis.weights, stride: axis.stride, inputCount: width)
        vertical = ResampleAxis(from: height, to: recipe.height, filter: recipe.filter)
        verticalWeights = vertical.weights.map { Float($0) }
        self.kernels = kernels
    }

    /// - Shapes: the rows are those of the image that the sides were given for; `samples` hold them when the image is in memory of somebody else. The result is [recipe.height, recipe.width], 0 ... 255.
    func run(_ source: inout GreyRows, in samples: RawSpan) -> [Float] {
        let outputWidth = horizontal.outputCount
        let scale = source.scale
        var sums = ResizeSums<Double>(columnCount: horizontal.inputCount, slotCount: vertical.limitActiveOutputs)
        var result = [Float](repeating: 0, count: outputWidth * vertical.firsts.count)
        var weights: [Float] = []
        var runs = ResampleRuns(vertical)
        while let step = runs.next(before: Int.max) {
            runs.weights(step, of: verticalWeights, into: &weights)
            source.add(step, in: samples, weights: weights, to: &sums, kernels)
            for output in step.run.firstOutput..<(step.run.firstOutput + step.finishedCount) {
                kernels.resampleRow(
                    output, of: sums, taps: horizontal, factor: scale.factor, addend: scale.addend, into: &result, at: output * outputWidth)
            }
        }
        return result
    }
}
