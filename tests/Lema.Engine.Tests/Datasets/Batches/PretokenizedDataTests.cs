using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Weights;
using Lema.Testing;
using TorchSharp;

namespace Lema.Engine.Tests.Datasets.Batches;

public class PretokenizedDataTests
{
    [Fact]
    public void MeanStepTokens_PaddedRows_CountsNoPadding()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "rows.safetensors");
        using (torch.NewDisposeScope())
        {
            // [steps, micro-batches, batch, length]: rows of 3, 1, 2 and 2 tokens in the first step, of 3 each in the second.
            long[] mask = [1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
            torch.Tensor Tensor(IEnumerable<long> values) => torch.tensor(values.ToArray()).reshape(2, 2, 2, 3);
            SafetensorsFile.Save(file, [
                KeyValuePair.Create("input_ids", Tensor(mask)),
                KeyValuePair.Create("attention_mask", Tensor(mask)),
                KeyValuePair.Create("labels", Tensor(mask.Select(kept => kept == 1 ? 1 : TokenizedRow.Ignored))),
            ]);
        }

        using PretokenizedData data = PretokenizedData.Open(file);

        Assert.Equal(10, data.MeanStepTokens());
        Assert.Equal(8, data.MicroBatch(0, 0).Concat(data.MicroBatch(0, 1)).Sum(row => row.Length));
    }
}
