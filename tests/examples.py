"""Named values that tests share, checked by hand against the models' config.json and the vendors' data sheets."""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.machine import Cloud
from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model, ModelKind
from sizing.catalog.offer import PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.performance.configuration.layout import Layout
from sizing.performance.host.cold_start import ColdStart
from sizing.plan import (
    Bucket,
    CostLine,
    Deployment,
    EngineSettings,
    NodePool,
    Placement,
    PoolRole,
    Promise,
    Site,
    SizingPlan,
)
from sizing.spec.workload import Objectives, TokenLengths, Traffic
from sizing.units import GIB

# 80 layers x (attention 8,192 x 128 x (2 x 64 + 2 x 8) + feed-forward 3 x 8,192 x 28,672) + 2 x 128,256 x 8,192
# + norms 161 x 8,192 = 70,553,706,496
LLAMA_70B = Model(
    name="Llama-3.3-70B",
    aliases=("meta-llama/Llama-3.3-70B-Instruct",),
    hub_id="meta-llama/Llama-3.3-70B-Instruct",
    family="llama3",
    kind=ModelKind.DECODER,
    layers=80,
    full_attention_layers=80,
    sliding_layers=0,
    linear_layers=0,
    hidden=8192,
    heads=64,
    kv_heads=8,
    head_dim=128,
    intermediate=28672,
    gated_ffn=True,
    vocab=128256,
    tied_embeddings=False,
    moe=None,
    mla=None,
    sliding_window=None,
    max_context=131072,
    parameters=70_553_706_496,
    active_parameters=70_553_706_496,
    kv_elements_per_token_full=80 * 2 * 8 * 128,
    kv_elements_per_token_sliding=0,
    state_elements_per_sequence=0,
    native_precision=Precision.BF16,
    provenance=Provenance(source="config.json of meta-llama/Llama-3.3-70B-Instruct", as_of="2024-12"),
)

# 32 layers x (4,096 x 128 x (2 x 32 + 2 x 8) + 3 x 4,096 x 14,336) + 2 x 128,256 x 4,096 + norms 65 x 4,096
LLAMA_8B = Model(
    name="Llama-3.1-8B",
    aliases=("meta-llama/Llama-3.1-8B-Instruct",),
    hub_id="meta-llama/Llama-3.1-8B-Instruct",
    family="llama3",
    kind=ModelKind.DECODER,
    layers=32,
    full_attention_layers=32,
    sliding_layers=0,
    linear_layers=0,
    hidden=4096,
    heads=32,
    kv_heads=8,
    head_dim=128,
    intermediate=14336,
    gated_ffn=True,
    vocab=128256,
    tied_embeddings=False,
    moe=None,
    mla=None,
    sliding_window=None,
    max_context=131072,
    parameters=8_030_261_248,
    active_parameters=8_030_261_248,
    kv_elements_per_token_full=32 * 2 * 8 * 128,
    kv_elements_per_token_sliding=0,
    state_elements_per_sequence=0,
    native_precision=Precision.BF16,
    provenance=Provenance(source="config.json of meta-llama/Llama-3.1-8B-Instruct", as_of="2024-07"),
)

# The fields of the published config.json that shape the model.
DEEPSEEK_R1_CONFIG: dict[str, object] = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "moe_layer_freq": 1,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "vocab_size": 129280,
    "max_position_embeddings": 163840,
    "tie_word_embeddings": False,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}

DEEPSEEK_R1 = Model(
    name="DeepSeek-R1",
    aliases=("deepseek-ai/DeepSeek-R1",),
    hub_id="deepseek-ai/DeepSeek-R1",
    family="deepseek3",
    kind=ModelKind.DECODER,
    layers=61,
    full_attention_layers=61,
    sliding_layers=0,
    linear_layers=0,
    hidden=7168,
    heads=128,
    kv_heads=128,
    head_dim=192,
    intermediate=18432,
    gated_ffn=True,
    vocab=129280,
    tied_embeddings=False,
    moe=MixtureOfExperts(
        experts=256,
        experts_per_token=8,
        intermediate=2048,
        shared_experts=1,
        shared_intermediate=2048,
        dense_layers=3,
    ),
    mla=LatentAttention(q_rank=1536, kv_rank=512, rope_dim=64, nope_dim=128, v_dim=128),
    sliding_window=None,
    max_context=163840,
    parameters=671_026_419_200,
    active_parameters=37_500_000_000,
    kv_elements_per_token_full=61 * (512 + 64),
    kv_elements_per_token_sliding=0,
    state_elements_per_sequence=0,
    native_precision=Precision.FP8,
    provenance=Provenance(source="config.json of deepseek-ai/DeepSeek-R1", as_of="2025-01"),
)

H100 = Accelerator(
    name="nvidia-h100-80gb",
    vendor="nvidia",
    kind=AcceleratorKind.GPU,
    architecture="Hopper",
    memory_bytes=round(79.19 * GIB),
    nominal_memory_bytes=80 * 10**9,
    memory_bytes_per_s=3.35e12,
    bf16_flop_per_s=989.4e12,
    fp8_flop_per_s=1978.9e12,
    int8_op_per_s=1978.9e12,
    fp4_flop_per_s=None,
    link="NVLink4",
    link_bytes_per_s=450e9,
    link_domain=8,
    host_link_bytes_per_s=64e9,
    tdp_watts=700,
    compute_capability="9.0",
    native_precisions=("fp32", "tf32", "bf16", "fp16", "fp8", "int8"),
    topologies=(),
    rented_on=("aws", "gcp"),
    provenance=Provenance(source="NVIDIA H100 data sheet; memory as vLLM 0.19 reports it", as_of="2026-04-27"),
)

A100 = Accelerator(
    name="nvidia-a100-80gb",
    vendor="nvidia",
    kind=AcceleratorKind.GPU,
    architecture="Ampere",
    memory_bytes=80 * GIB,
    nominal_memory_bytes=80 * 10**9,
    memory_bytes_per_s=2.039e12,
    bf16_flop_per_s=312e12,
    fp8_flop_per_s=None,
    int8_op_per_s=624e12,
    fp4_flop_per_s=None,
    link="NVLink3",
    link_bytes_per_s=300e9,
    link_domain=8,
    host_link_bytes_per_s=32e9,
    tdp_watts=400,
    compute_capability="8.0",
    native_precisions=("fp32", "tf32", "bf16", "fp16", "int8", "int4"),
    topologies=(),
    rented_on=("aws", "gcp"),
    provenance=Provenance(source="NVIDIA A100 data sheet", as_of="2021"),
)

L40S = Accelerator(
    name="nvidia-l40s",
    vendor="nvidia",
    kind=AcceleratorKind.GPU,
    architecture="Ada",
    memory_bytes=round(44.99 * GIB),
    nominal_memory_bytes=48 * 10**9,
    memory_bytes_per_s=864e9,
    bf16_flop_per_s=362e12,
    fp8_flop_per_s=733e12,
    int8_op_per_s=733e12,
    fp4_flop_per_s=None,
    link="none",
    link_bytes_per_s=None,
    link_domain=1,
    host_link_bytes_per_s=32e9,
    tdp_watts=350,
    compute_capability="8.9",
    native_precisions=("fp32", "tf32", "bf16", "fp16", "fp8", "int8"),
    topologies=(),
    rented_on=("aws",),
    provenance=Provenance(source="NVIDIA L40S data sheet", as_of="2023"),
)

TPU_V6E = Accelerator(
    name="tpu-v6e",
    vendor="google",
    kind=AcceleratorKind.TPU,
    architecture="TPU v6e Trillium",
    memory_bytes=32 * 10**9,
    nominal_memory_bytes=32 * 10**9,
    memory_bytes_per_s=1.64e12,
    bf16_flop_per_s=918e12,
    fp8_flop_per_s=918e12,
    int8_op_per_s=1836e12,
    fp4_flop_per_s=None,
    link="ICI 2D torus",
    link_bytes_per_s=400e9,
    link_domain=256,
    host_link_bytes_per_s=None,
    tdp_watts=None,
    compute_capability=None,
    native_precisions=("bf16", "int8", "fp8", "fp32"),
    topologies=("1x1", "2x2", "2x4"),
    rented_on=("gcp",),
    provenance=Provenance(source="Google Cloud TPU v6e documentation", as_of="2026"),
)

# The chat workload of the example stacks.
CHAT = Traffic(
    requests_per_s=12,
    input_tokens=TokenLengths(mean=1800, p95=6000),
    output_tokens=TokenLengths(mean=320, p95=900),
    prefix_hit=0.3,
    burstiness=1.0,
)
CHAT_OBJECTIVES = Objectives(ttft_p95_s=0.8, tpot_p95_s=0.045, e2e_p95_s=None)

# A plan of hand-made figures for the chat workload: what lock files, diffs and renderers are tried on.
CHAT_POOL = NodePool(
    name="p5-48xlarge-use1-az4",
    role=PoolRole.ACCELERATOR,
    machine="p5.48xlarge",
    region="us-east-1",
    zone="use1-az4",
    mode=PurchaseMode.ON_DEMAND,
    nodes=2,
    least_nodes=2,
    accelerator="nvidia-h100-80gb",
    accelerator_kind=AcceleratorKind.GPU,
    accelerators_per_node=8,
    topology=None,
    fabric="efa",
    fabric_interfaces=32,
    placed_together=True,
    local_disks=8,
    boot_disk_gb=100,
    usd_per_hour=55.04,
    price_source="AWS price list",
    price_as_of="2026-07-20",
)
CHAT_DEPLOYMENT = Deployment(
    name="chat",
    workload="chat",
    model="Llama-3.3-70B",
    hub_id="meta-llama/Llama-3.3-70B-Instruct",
    accelerator="nvidia-h100-80gb",
    region="us-east-1",
    machines=("p5.48xlarge",),
    mode=PurchaseMode.ON_DEMAND,
    layout=Layout(tp=4),
    weights=Precision.FP8,
    kv=Precision.BF16,
    engine=EngineSettings(
        name="vllm",
        max_model_len=16384,
        max_num_seqs=256,
        max_num_batched_tokens=8192,
        gpu_memory_utilization=0.92,
        kv_cache_dtype="auto",
        quantization="fp8",
        front_ends=1,
    ),
    placements=(Placement(pool="p5-48xlarge-use1-az4", replicas=4),),
    weight_bytes=70_600_000_000,
    checkpoint_bytes=141_100_000_000,
    host_memory_bytes=80_000_000_000,
    vcpus=16,
    cold_start=ColdStart(image_s=180, bootstrap_s=95, weights_s=40, compile_s=105),
    requests_per_s=3.2,
    concurrency=40,
    least_replicas=4,
    max_replicas=4,
    load_tier="s3",
)
CHAT_PLAN = SizingPlan(
    spec_hash="a" * 64,
    facts_as_of="2026-07-20",
    facts_hash="b" * 64,
    sizeup_version="0.1.0",
    solver="ortools 9.15",
    cloud=Cloud.AWS,
    region="us-east-1",
    zones=("use1-az4",),
    deployments=(CHAT_DEPLOYMENT,),
    node_pools=(CHAT_POOL,),
    buckets=(Bucket(name="models", region="us-east-1", tier="STANDARD", bytes=70_600_000_000, usd_per_gb_month=0.023),),
    promises=(
        Promise(
            workload="chat",
            metric="ttft_p95_s",
            asked=0.5,
            planned=0.31,
            at_most=True,
            low=0.25,
            high=0.39,
            probability=0.996,
            binding=None,
        ),
        Promise(
            workload="chat",
            metric="requests_per_s",
            asked=12,
            planned=12.8,
            at_most=False,
            low=11.6,
            high=14.1,
            probability=0.8,
            binding="HBM bandwidth",
        ),
    ),
    cost_lines=(
        CostLine(
            item="p5.48xlarge on_demand use1-az4",
            pool="p5-48xlarge-use1-az4",
            quantity=2,
            usd_per_hour=55.04,
            source="AWS price list",
            as_of="2026-07-20",
        ),
    ),
    assumptions=("arrivals are Poisson",),
)

# The same service on Google Cloud: once on GPUs in two zones, a part on spot, and once on TPU machines.
GCP_GPU_POOL = replace(
    CHAT_POOL,
    name="a3-highgpu-8g-us-central1-a",
    machine="a3-highgpu-8g",
    region="us-central1",
    zone="us-central1-a",
    nodes=1,
    least_nodes=1,
    fabric="GPUDirect-TCPX",
    fabric_interfaces=4,
    placed_together=True,
    local_disks=16,
    usd_per_hour=88.49,
    price_source="Google Cloud price list",
)
GCP_SPOT_POOL = replace(
    GCP_GPU_POOL,
    name="a3-highgpu-8g-us-central1-b-spot",
    zone="us-central1-b",
    mode=PurchaseMode.SPOT,
    usd_per_hour=50.61,
)
GCP_SYSTEM_POOL = replace(
    GCP_GPU_POOL,
    name="e2-standard-4-us-central1-a",
    role=PoolRole.SYSTEM,
    machine="e2-standard-4",
    nodes=2,
    least_nodes=2,
    accelerator=None,
    accelerator_kind=None,
    accelerators_per_node=0,
    fabric=None,
    fabric_interfaces=0,
    placed_together=False,
    local_disks=0,
    usd_per_hour=0.13,
)
GCP_GPU_PLAN = replace(
    CHAT_PLAN,
    cloud=Cloud.GCP,
    region="us-central1",
    zones=("us-central1-a", "us-central1-b", "us-central1-c"),
    deployments=(
        replace(
            CHAT_DEPLOYMENT,
            region="us-central1",
            machines=("a3-highgpu-8g",),
            placements=(Placement(pool="a3-highgpu-8g-us-central1-a", replicas=2),),
            least_replicas=2,
            max_replicas=2,
            load_tier="gcs",
        ),
        replace(
            CHAT_DEPLOYMENT,
            name="chat-spot",
            region="us-central1",
            machines=("a3-highgpu-8g",),
            mode=PurchaseMode.SPOT,
            placements=(Placement(pool="a3-highgpu-8g-us-central1-b-spot", replicas=2),),
            least_replicas=2,
            max_replicas=2,
            load_tier="gcs",
        ),
    ),
    node_pools=(GCP_GPU_POOL, GCP_SPOT_POOL, GCP_SYSTEM_POOL),
    buckets=(replace(CHAT_PLAN.buckets[0], region="us-central1"),),
    cost_lines=(),
)
GCP_TPU_POOL = replace(
    GCP_GPU_POOL,
    name="ct6e-standard-8t-us-east5-b",
    machine="ct6e-standard-8t",
    region="us-east5",
    zone="us-east5-b",
    nodes=3,
    least_nodes=3,
    accelerator="tpu-v6e",
    accelerator_kind=AcceleratorKind.TPU,
    accelerators_per_node=8,
    topology="2x4",
    fabric=None,
    fabric_interfaces=0,
    placed_together=False,
    local_disks=0,
    usd_per_hour=21.6,
)
GCP_TPU_PLAN = replace(
    GCP_GPU_PLAN,
    region="us-east5",
    zones=("us-east5-a", "us-east5-b", "us-east5-c"),
    deployments=(
        replace(
            CHAT_DEPLOYMENT,
            accelerator="tpu-v6e",
            region="us-east5",
            machines=("ct6e-standard-8t",),
            layout=Layout(tp=8),
            placements=(Placement(pool="ct6e-standard-8t-us-east5-b", replicas=3),),
            least_replicas=3,
            max_replicas=3,
            load_tier="gcs",
        ),
    ),
    node_pools=(
        GCP_TPU_POOL,
        replace(GCP_SYSTEM_POOL, name="e2-standard-4-us-east5-b", region="us-east5", zone="us-east5-b"),
    ),
    buckets=(replace(CHAT_PLAN.buckets[0], region="us-east5"),),
)

# A plan that AWS can be provisioned from: replicas on demand in two zones, one more on spot, a system pool.
AWS_SYSTEM_POOL = NodePool(
    name="m7i-large-use1-az4",
    role=PoolRole.SYSTEM,
    machine="m7i.large",
    region="us-east-1",
    zone="use1-az4",
    mode=PurchaseMode.ON_DEMAND,
    nodes=2,
    least_nodes=2,
    accelerator=None,
    accelerator_kind=None,
    accelerators_per_node=0,
    topology=None,
    fabric=None,
    fabric_interfaces=0,
    placed_together=False,
    local_disks=0,
    boot_disk_gb=50,
    usd_per_hour=0.1008,
    price_source="AWS price list",
    price_as_of="2026-07-20",
)
AWS_SECOND_POOL = replace(CHAT_POOL, name="p5-48xlarge-use1-az5", zone="use1-az5", nodes=1, least_nodes=1)
AWS_SPOT_POOL = replace(
    CHAT_POOL,
    name="g6e-12xlarge-use1-az5-spot",
    machine="g6e.12xlarge",
    zone="use1-az5",
    mode=PurchaseMode.SPOT,
    nodes=1,
    least_nodes=1,
    accelerator="nvidia-l40s",
    accelerators_per_node=4,
    fabric_interfaces=1,
    placed_together=True,
    local_disks=2,
    usd_per_hour=5.0,
)
AWS_PLAN = replace(
    CHAT_PLAN,
    zones=("use1-az4", "use1-az5", "use1-az6"),
    node_pools=(CHAT_POOL, AWS_SECOND_POOL, AWS_SPOT_POOL, AWS_SYSTEM_POOL),
    deployments=(
        replace(
            CHAT_DEPLOYMENT,
            placements=(
                Placement(pool="p5-48xlarge-use1-az4", replicas=4),
                Placement(pool="p5-48xlarge-use1-az5", replicas=1),
            ),
            least_replicas=5,
            max_replicas=6,
        ),
        replace(
            CHAT_DEPLOYMENT,
            name="chat-spot",
            accelerator="nvidia-l40s",
            machines=("g6e.12xlarge",),
            mode=PurchaseMode.SPOT,
            placements=(Placement(pool="g6e-12xlarge-use1-az5-spot", replicas=1),),
            least_replicas=1,
            max_replicas=1,
        ),
    ),
)

# The same with a second region, where drafts are served on reserved machines and on some that run by day only.
_WEST = "us-west-2"
AWS_RESERVED_POOL = replace(
    CHAT_POOL,
    name="p5-48xlarge-usw2-az1-cr-0a1b2c3d4e5f60718",
    region=_WEST,
    zone="usw2-az1",
    mode=PurchaseMode.RESERVATION,
    nodes=1,
    least_nodes=1,
    placed_together=False,
    usd_per_hour=0.0,
    price_source="the stack file",
    reservation="cr-0a1b2c3d4e5f60718",
)
AWS_DAY_POOL = replace(
    CHAT_POOL, name="p5-48xlarge-usw2-az2", region=_WEST, zone="usw2-az2", nodes=3, least_nodes=1, placed_together=False
)
AWS_TWO_REGIONS = replace(
    AWS_PLAN,
    elsewhere=(Site(region=_WEST, zones=("usw2-az1", "usw2-az2")),),
    node_pools=(
        *AWS_PLAN.node_pools,
        AWS_RESERVED_POOL,
        AWS_DAY_POOL,
        replace(AWS_SYSTEM_POOL, name="m7i-large-usw2-az1", region=_WEST, zone="usw2-az1"),
    ),
    deployments=(
        *AWS_PLAN.deployments,
        replace(
            CHAT_DEPLOYMENT,
            name="draft",
            workload="draft",
            region=_WEST,
            placements=(
                Placement(pool=AWS_RESERVED_POOL.name, replicas=2),
                Placement(pool=AWS_DAY_POOL.name, replicas=6),
            ),
            least_replicas=4,
            max_replicas=8,
        ),
    ),
    buckets=(*AWS_PLAN.buckets, replace(CHAT_PLAN.buckets[0], region=_WEST)),
)


def paid(pool: NodePool, machines: float, usd_per_hour: float, hours_per_month: float = 730) -> CostLine:
    """A line of a plan for some machines of one pool."""
    return CostLine(
        item=f"{pool.machine} {pool.mode} {pool.zone}",
        pool=pool.name,
        quantity=machines,
        usd_per_hour=usd_per_hour,
        source="AWS price list",
        as_of="2026-07-20",
        hours_per_month=hours_per_month,
    )


_EAST = "us-east5"
GCP_RESERVED_POOL = replace(
    GCP_TPU_POOL,
    name="ct6e-standard-8t-us-east5-b-v6e-march",
    mode=PurchaseMode.RESERVATION,
    usd_per_hour=0.0,
    price_source="the stack file",
    reservation="v6e-march",
)
GCP_DAY_POOL = replace(GCP_TPU_POOL, name="ct6e-standard-8t-us-east5-a", zone="us-east5-a", nodes=2, least_nodes=1)
GCP_TWO_REGIONS = replace(
    GCP_GPU_PLAN,
    elsewhere=(Site(region=_EAST, zones=("us-east5-a", "us-east5-b", "us-east5-c")),),
    node_pools=(
        *GCP_GPU_PLAN.node_pools,
        GCP_RESERVED_POOL,
        GCP_DAY_POOL,
        replace(GCP_SYSTEM_POOL, name="e2-standard-4-us-east5-b", region=_EAST, zone="us-east5-b"),
    ),
    deployments=(
        *GCP_GPU_PLAN.deployments,
        replace(
            GCP_TPU_PLAN.deployments[0],
            name="draft",
            workload="draft",
            placements=(
                Placement(pool=GCP_RESERVED_POOL.name, replicas=3),
                Placement(pool=GCP_DAY_POOL.name, replicas=2),
            ),
            least_replicas=4,
            max_replicas=5,
        ),
    ),
    buckets=(*GCP_GPU_PLAN.buckets, replace(CHAT_PLAN.buckets[0], region=_EAST)),
)
