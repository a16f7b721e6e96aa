using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Lema.Engine.Errors;

namespace Lema.Engine.Checkpoints;

/// <summary><c>trainer_state.json</c> with the fields of transformers' TrainerState and no others, so that its Trainer and callbacks read it. Steps are optimizer updates.</summary>
public sealed record TrainerState
{
    public const string FileName = "trainer_state.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
        NewLine = "\n",
    };

    public double? BestMetric { get; init; }

    public long? BestGlobalStep { get; init; }

    public string? BestModelCheckpoint { get; init; }

    public double Epoch { get; init; }

    public int EvalSteps { get; init; }

    public long GlobalStep { get; init; }

    public bool IsHyperParamSearch { get; init; }

    public bool IsLocalProcessZero { get; init; } = true;

    public bool IsWorldProcessZero { get; init; } = true;

    /// <summary>One object a logged step, with <c>step</c>, <c>epoch</c> and the values, such as <c>loss</c>, <c>grad_norm</c>, <c>learning_rate</c>, <c>eval_loss</c>.</summary>
    public IReadOnlyList<JsonObject> LogHistory { get; init; } = [];

    public int LoggingSteps { get; init; } = 1;

    public long MaxSteps { get; init; }

    public long NumInputTokensSeen { get; init; }

    public int NumTrainEpochs { get; init; } = 1;

    public int SaveSteps { get; init; }

    public JsonObject StatefulCallbacks { get; init; } = [];

    public double TotalFlos { get; init; }

    public int TrainBatchSize { get; init; } = 1;

    public string? TrialName { get; init; }

    public JsonObject? TrialParams { get; init; }

    public void Save(string folder) => File.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, Json));

    /// <exception cref="InvalidInputException">The file is missing or is not a trainer state.</exception>
    public static TrainerState Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<TrainerState>(File.ReadAllBytes(path), Json) ?? throw new InvalidInputException(path, "", "is empty");
        }
        catch (JsonException e)
        {
            // The serializer always says where.
            throw new InvalidInputException(path, e.Path!, $"not a trainer state: {e.Message}", e);
        }
        catch (FileNotFoundException e)
        {
            throw new InvalidInputException(path, "", "is missing; the folder is no checkpoint", e);
        }
    }
}
