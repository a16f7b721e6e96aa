using Lema.Engine.Models;
using Lema.Testing;

namespace Lema.Engine.Tests.Models;

/// <summary>config.json as the publishers of well-known models wrote it, with the fields that no longer mean anything.</summary>
public sealed class PublishedConfigTests
{
    [Theory]
    [InlineData("""
        {"architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"},"bos_token_id":1,"embd_pdrop":0.0,
        "eos_token_id":32000,"hidden_act":"silu","hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":4096,"model_type":"phi3","num_attention_heads":32,
        "num_hidden_layers":32,"num_key_value_heads":32,"original_max_position_embeddings":4096,"pad_token_id":32000,"resid_pdrop":0.0,"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,
        "sliding_window":2047,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.40.2","use_cache":true,"vocab_size":32064}
        """)]
    [InlineData("""
        {"architectures":["Phi3ForCausalLM"],"attention_bias":false,"embd_pdrop":0.0,"full_attn_mod":1,"hidden_act":"silu","hidden_size":128,"interpolate_factor":1,"intermediate_size":256,
        "lm_head_bias":false,"max_position_embeddings":131072,"mlp_bias":false,"model_type":"phi3","num_attention_heads":8,"num_hidden_layers":2,"num_key_value_heads":2,
        "original_max_position_embeddings":4096,"partial_rotary_factor":0.75,"rms_norm_eps":1e-05,
        "rope_scaling":{"type":"longrope","short_factor":[1,1,1,1.1,1.2,1.3],"long_factor":[1,2,4,8,16,32]},"rope_theta":10000.0,"sliding_window":262144,"vocab_size":320}
        """)]
    [InlineData("""
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":576,"initializer_range":0.04,
        "intermediate_size":1536,"is_llama_config":true,"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama","num_attention_heads":9,"num_hidden_layers":30,"num_key_value_heads":3,
        "pad_token_id":2,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_interleaved":false,"rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"torch_dtype":"bfloat16",
        "transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16"}},"transformers_version":"4.42.3","use_cache":true,"vocab_size":49152}
        """)]
    [InlineData("""
        {"architectures":["Qwen3MoeForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"decoder_sparse_step":1,"head_dim":128,"hidden_act":"silu","hidden_size":2048,"intermediate_size":6144,
        "max_position_embeddings":40960,"max_window_layers":48,"mlp_only_layers":[],"model_type":"qwen3_moe","moe_intermediate_size":768,"norm_topk_prob":true,"num_attention_heads":32,"num_experts":128,
        "num_experts_per_tok":8,"num_hidden_layers":48,"num_key_value_heads":4,"output_router_logits":false,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000.0,
        "router_aux_loss_coef":0.001,"sliding_window":null,"tie_word_embeddings":false,"use_sliding_window":false,"vocab_size":151936}
        """)]
    [InlineData("""
        {"architectures":["Lfm2ForCausalLM"],"block_auto_adjust_ff_dim":true,"block_dim":2048,"block_ff_dim":12288,"block_ffn_dim_multiplier":1.0,"block_mlp_init_scale":1.0,"block_multiple_of":256,
        "block_norm_eps":1e-05,"block_out_init_scale":1.0,"block_use_swiglu":true,"block_use_xavier_init":true,"conv_L_cache":3,"conv_bias":false,"conv_dim":2048,"conv_dim_out":2048,
        "conv_use_xavier_init":true,"eos_token_id":7,"full_attn_idxs":[2,5,8,10,12,14],"hidden_size":2048,"max_position_embeddings":128000,"model_type":"lfm2","norm_eps":1e-05,
        "num_attention_heads":32,"num_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,"rope_theta":1000000.0,"theta":1000000.0,"tie_embedding":true,"use_pos_enc":true,"vocab_size":65536}
        """)]
    [InlineData("""
        {"architectures":["Gemma3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":null,"cache_implementation":"hybrid","final_logit_softcapping":null,"head_dim":256,
        "hidden_activation":"gelu_pytorch_tanh","hidden_size":1152,"intermediate_size":6912,"max_position_embeddings":32768,"model_type":"gemma3_text","num_attention_heads":4,"num_hidden_layers":26,
        "num_key_value_heads":1,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_local_base_freq":10000,"rope_scaling":null,"rope_theta":1000000,"sliding_window":512,
        "sliding_window_pattern":6,"vocab_size":262144}
        """)]
    [InlineData("""
        {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,"initializer_range":0.02,
        "layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"resid_pdrop":0.1,"summary_activation":null,
        "summary_first_dropout":0.1,"summary_proj_to_labels":true,"summary_type":"cls_index","summary_use_proj":true,"task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},
        "vocab_size":50257}
        """)]
    [InlineData("""
        {"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"intermediate_size":14336,"max_position_embeddings":32768,
        "model_type":"mistral","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":4096,
        "tie_word_embeddings":false,"torch_dtype":"bfloat16","vocab_size":32000}
        """)]
    public void Read_APublishedConfig_IsAccepted(string config)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), config);
        Assert.NotEmpty(ModelFamilies.Read(folder.Path).Parts(0).Linears);
    }
}
