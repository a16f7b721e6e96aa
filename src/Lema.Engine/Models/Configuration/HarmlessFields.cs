namespace Lema.Engine.Models.Configuration;

/// <summary>Config fields that leave the mathematics of training and greedy generation alone.</summary>
public static class HarmlessFields
{
    /// <summary>Fields of every transformers config.</summary>
    public static readonly IReadOnlySet<string> Common = new HashSet<string>
    {
        "architectures", "model_type", "torch_dtype", "dtype", "transformers_version", "use_cache", "initializer_range", "name_or_path", "auto_map",
        "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "unk_token_id", "mask_token_id",
        "return_dict", "output_hidden_states", "output_attentions", "torchscript", "use_bfloat16", "is_encoder_decoder", "is_decoder",
        "tokenizer_class", "prefix", "task_specific_params", "problem_type", "finetuning_task", "id2label", "label2id", "num_labels",
        "chunk_size_feed_forward", "pruned_heads", "tie_encoder_decoder", "cross_attention_hidden_size", "max_length", "min_length", "do_sample",
        "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty",
        "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences", "output_scores",
        "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values", "exponential_decay_length_penalty",
        "suppress_tokens", "begin_suppress_tokens", "cache_implementation", "unsloth_fixed", "max_position_embeddings", "gradient_checkpointing",
        "attn_implementation", "is_llama_config", "use_flash_attn", "training_args", "model_max_length", "transformers.js_config", "pad_token", "max_sequence_length",
        // Dropout belongs to the training of the base model; fine-tuning here leaves it out, as evaluation mode does.
        "attention_dropout", "hidden_dropout", "embd_pdrop", "resid_pdrop", "attn_pdrop", "classifier_dropout",
    };

    /// <summary>Flags that publishers write down although the model type does not have what they turn on: harmless when false.</summary>
    public static readonly IReadOnlySet<string> WhenFalse = new HashSet<string>
    {
        "attention_bias", "mlp_bias", "lm_head_bias", "rope_interleaved", "use_mrope", "use_bidirectional_attention", "use_sliding_window", "output_router_logits", "add_cross_attention",
    };

    public static readonly IReadOnlySet<string> Rotary = new HashSet<string> { "rope_type", "type", "rope_theta", "partial_rotary_factor" };

    public static IReadOnlySet<string> And(params ReadOnlySpan<string> more) => Common.Concat(more.ToArray()).ToHashSet();
}
