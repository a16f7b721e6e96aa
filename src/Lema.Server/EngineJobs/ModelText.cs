using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Generation;

namespace Lema.Server.EngineJobs;

/// <summary>How text becomes tokens of a model and tokens become text. Lives as long as its model.</summary>
internal sealed class ModelText
{
    private ModelText(string folder, Tokenizer tokenizer)
    {
        Tokenizer = tokenizer;
        EndTokens = Lema.Engine.Generation.EndTokens.Read(folder, tokenizer);
        Prompts = new PromptBuilder(folder, tokenizer);
    }

    public Tokenizer Tokenizer { get; }

    public IReadOnlySet<int> EndTokens { get; }

    public PromptBuilder Prompts { get; }

    /// <exception cref="Engine.Errors.LemaException">The folder has no tokenizer, or none that is known.</exception>
    public static ModelText Load(string folder) => new(folder, Tokenizer.Load(folder));

    public TextDecoder Decoder() => TextDecoder.Of(Tokenizer);
}
