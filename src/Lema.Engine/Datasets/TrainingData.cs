using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Cache;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Engine.Training;

namespace Lema.Engine.Datasets;

/// <summary>Opens a dataset file of any supported format as training data.</summary>
public static class TrainingData
{
    /// <summary>
    /// Tokenizes a dataset, or takes it from the cache. A large one in file order (no shuffling, grouping or packing) is opened at once and tokenized while it
    /// is read.
    /// </summary>
    /// <param name="file">A pre-tokenized .safetensors, or a file that <see cref="DatasetFile"/> reads.</param>
    /// <param name="tokenizer">Null where the model has none: then only pre-tokenized data can be read. Its folder's chat template renders conversations.</param>
    /// <exception cref="LemaException">The file is not valid; file, line and field are named.</exception>
    public static ITrainingData Open(
        string file, Tokenizer? tokenizer, RunSettings settings, IProgress<DatasetProgress>? progress = null, CancellationToken stop = default)
    {
        if (!File.Exists(file)) throw new NotFoundException("Dataset", file, "Check the path.");
        if (Path.GetExtension(file) == ".safetensors") return PretokenizedData.Open(file);
        if (tokenizer is null) throw new InvalidInputException(file, "", "holds text, but the model folder has no tokenizer.json; put it there or use a pre-tokenized dataset.");

        DataSettings data = settings.Data;
        RowSource source = new(file, data.ReplyFormat);
        RowTokenizer rows = RowTokenizer.Of(file, tokenizer, data.Labels);
        DatasetTokenizer work = new(source, rows, data, settings.MaxLength, progress);
        bool inFileOrder = !data.Shuffle && !data.Packing && !data.GroupByLength && data.Truncation != Truncation.Drop && Path.GetExtension(file) == ".jsonl";
        string key = TokenCacheKey.Of(file, tokenizer.Folder, data, settings.MaxLength);
        return new RowTrainingData(TokenCache.Open(file, key, TokenCache.Root, () => inFileOrder ? JsonLines.Count(file) : null, work.Run, stop), settings);
    }
}
