/* STM32F4: USART2 for the report, TIM2 as instruction counter. Registers: ST RM0090.
 * The clock tree is left as it comes out of reset (QEMU has no RCC to configure). */

#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define RCC_APB1ENR REGISTER(0x40023840u)
#define RCC_APB1ENR_TIM2EN (1u << 0)
#define RCC_APB1ENR_USART2EN (1u << 17)

#define USART2_SR REGISTER(0x40004400u)
#define USART2_DR REGISTER(0x40004404u)
#define USART2_BRR REGISTER(0x40004408u)
#define USART2_CR1 REGISTER(0x4000440cu)
#define USART_SR_TC (1u << 6)
#define USART_SR_TXE (1u << 7)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_UE (1u << 13)
/* 115,200 baud from the 16 MHz oscillator that runs after reset. */
#define USART_BRR_115200 139u

#define TIM2_CR1 REGISTER(0x40000000u)
#define TIM2_EGR REGISTER(0x40000014u)
#define TIM2_CNT REGISTER(0x40000024u)
#define TIM2_PSC REGISTER(0x40000028u)
#define TIM2_ARR REGISTER(0x4000002cu)
#define TIM_CR1_CEN (1u << 0)
#define TIM_EGR_UG (1u << 0)

#define GPIOA_MODER REGISTER(0x40020000u)
#define GPIOA_AFRL REGISTER(0x40020020u)
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_AHB1ENR_GPIOAEN (1u << 0)

void board_start(void) {
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOAEN;
    RCC_APB1ENR |= RCC_APB1ENR_TIM2EN | RCC_APB1ENR_USART2EN;

    /* PA2 carries USART2_TX: alternate function 7. */
    GPIOA_MODER = (GPIOA_MODER & ~(3u << 4)) | (2u << 4);
    GPIOA_AFRL = (GPIOA_AFRL & ~(15u << 8)) | (7u << 8);
    USART2_BRR = USART_BRR_115200;
    USART2_CR1 = USART_CR1_UE | USART_CR1_TE;

    TIM2_PSC = 0;
    TIM2_ARR = 0xffffffffu;
    TIM2_EGR = TIM_EGR_UG;
    TIM2_CR1 = TIM_CR1_CEN;
}

void board_write(char byte) {
    while ((USART2_SR & USART_SR_TXE) == 0) {
    }
    USART2_DR = (uint8_t)byte;
}

uint32_t board_ticks(void) {
    return TIM2_CNT;
}

void board_stop(void) {
    while ((USART2_SR & USART_SR_TC) == 0) {
    }
    TIM2_CR1 = 0;
}
