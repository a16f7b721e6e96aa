using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Engine.Training;

namespace Lema.Engine.Datasets;

/// <summary>Opens a dataset file of any supported format as training data.</summary>
public static class TrainingData
{
    /// <param name="file">A pre-tokenized .safetensors, or JSON Lines of prompt and completion.</param>
    /// <param name="tokenizer">Null where the model has none: then only pre-tokenized data can be read.</param>
    /// <exception cref="InvalidInputException">The file is not valid; file, line and field are named.</exception>
    public static ITrainingData Open(string file, Tokenizer? tokenizer, RunSettings settings)
    {
        if (!File.Exists(file)) throw new NotFoundException("Dataset", file, "Check the path.");
        if (Path.GetExtension(file) == ".safetensors") return PretokenizedData.Open(file);
        if (tokenizer is null) throw new InvalidInputException(file, "", "holds text, but the model folder has no tokenizer.json; put it there or use a pre-tokenized dataset.");
        List<TokenizedRow> rows = [.. PairReader.Read(file).Select(pair => TokenizedRow.FromPair(tokenizer, pair.Prompt, pair.Completion))];
        if (rows.Count == 0) throw new InvalidInputException(file, "", "has no rows.");
        return new RowTrainingData(new MemoryRows(rows), settings);
    }
}
